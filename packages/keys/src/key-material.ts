import { createHash, randomBytes } from 'node:crypto';
import {
  decodeBase64Url,
  encodeBase64Url,
  generateEd25519,
  generateKemKey,
  importKemKey,
  type KeyPurpose,
  type SuiteName,
  suiteByName,
  suites,
  thumbprint,
} from '@sealwire/core';
import type { KeyAlgorithm } from './storage.ts';

/** A key that was made a moment ago. */
export interface NewKey {
  readonly id: string;
  /** base64url; none for symmetric keys. */
  readonly pub?: string;
  /** As {@link RingChange} has it; whoever keeps it zeroes it. */
  readonly secret: Uint8Array;
}

/** What a key of each purpose but `kem`, which has the suites, computes with. */
const algorithmOf = {
  identity: 'Ed25519',
  'store-wrap': 'AES-256-GCM',
  ticket: 'AES-256-GCM',
  audit: 'HMAC-SHA256',
} as const;

/** Every suite, the preferred first. */
export const everySuite: readonly SuiteName[] = suites.map(({ name }) => name);

export function algorithmFor(purpose: Exclude<KeyPurpose, 'kem'>): KeyAlgorithm {
  return algorithmOf[purpose];
}

export function isPurpose(value: unknown): value is KeyPurpose {
  return value === 'kem' || (typeof value === 'string' && Object.hasOwn(algorithmOf, value));
}

/** A new key. */
export async function generateKey(alg: KeyAlgorithm): Promise<NewKey> {
  const suite = suiteByName(alg);
  if (suite !== undefined) {
    const { pub, secret } = await generateKemKey(suite.name);
    const { kid } = await importKemKey(suite.name, pub, secret.slice());
    return { id: kid, pub: encodeBase64Url(pub), secret };
  }
  if (alg === 'Ed25519') {
    const { pub, seed } = await generateEd25519();
    return { id: await thumbprint('Ed25519', pub), pub: encodeBase64Url(pub), secret: seed };
  }
  const secret = new Uint8Array(randomBytes(32));
  return { id: symmetricKeyId(alg, secret), secret };
}

/**
 * Id of a symmetric key: base64url of SHA-256("sealwire/1 key" || 00 || lv(alg) || secret). The secret is 32 random
 * bytes, so nobody finds it by its hash.
 */
export function symmetricKeyId(alg: KeyAlgorithm, secret: Uint8Array): string {
  const length = Buffer.from([0, alg.length]);
  return createHash('sha256')
    .update('sealwire/1 key\0')
    .update(length)
    .update(alg)
    .update(secret)
    .digest('base64url');
}

/** The public half of a key that has one. */
export function publicHalf({ pub }: { readonly pub?: string }): Uint8Array<ArrayBuffer> {
  return decodeBase64Url(pub as string);
}
