import { createPublicKey, randomBytes, verify } from 'node:crypto';
import {
  decodeBase64Url,
  encodeBase64Url,
  generateEd25519,
  generateKemKey,
  importEd25519,
  importKemKey,
  type KeyPurpose,
  SealwireError,
  type SuiteName,
  suiteByName,
  suites,
  thumbprint,
} from '@sealwire/core';
import { type SymmetricAlgorithm, symmetricKeyId } from './key-id.ts';
import type { KeyAlgorithm } from './storage.ts';

/** A key that was made a moment ago. */
export interface NewKey {
  readonly id: string;
  /** base64url; none for symmetric keys. */
  readonly pub?: string;
  /** As {@link RingChange} has it; whoever keeps it zeroes it. */
  readonly secret: Uint8Array;
}

/** A key pair that was made elsewhere. */
export interface ImportedPair {
  readonly alg: SuiteName | 'Ed25519';
  /** As configurations and pins have it: 1,216 bytes, 32, or 65 (an uncompressed point). */
  readonly pub: Uint8Array;
  /** 32 bytes; the caller zeroes them. */
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
    return { id: await kemKeyId(suite.name, pub, secret), pub: encodeBase64Url(pub), secret };
  }
  if (alg === 'Ed25519') {
    const { pub, seed } = await generateEd25519();
    return { id: await thumbprint('Ed25519', pub), pub: encodeBase64Url(pub), secret: seed };
  }
  const secret = new Uint8Array(randomBytes(32));
  return { id: symmetricKeyId(alg as SymmetricAlgorithm, secret), secret };
}

/** The key of two halves. @throws SealwireError `keys-invalid` if they do not belong together */
export async function importedKey({ alg, pub, secret }: ImportedPair): Promise<NewKey> {
  try {
    const id = alg === 'Ed25519' ? await identityId(pub, secret) : await kemKeyId(alg, pub, secret);
    return { id, pub: encodeBase64Url(pub), secret: secret.slice() };
  } catch {
    // No cause: it could quote a part of the key.
    throw new SealwireError('keys-invalid', `What was imported is no key pair of ${alg}.`);
  }
}

async function kemKeyId(suite: SuiteName, pub: Uint8Array, secret: Uint8Array): Promise<string> {
  return (await importKemKey(suite, pub, secret.slice())).kid;
}

async function identityId(pub: Uint8Array, secret: Uint8Array): Promise<string> {
  const probe = Buffer.from('sealwire');
  const signature = await (await importEd25519(secret, pub)).sign(probe);
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64Url(pub) };
  if (!verify(null, probe, createPublicKey({ key: jwk, format: 'jwk' }), signature))
    throw new TypeError('not a key pair');
  return thumbprint('Ed25519', pub);
}

/** The public half of a key that has one. */
export function publicHalf({ pub }: { readonly pub?: string }): Uint8Array<ArrayBuffer> {
  return decodeBase64Url(pub as string);
}
