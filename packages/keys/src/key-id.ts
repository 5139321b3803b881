import { createHash } from 'node:crypto';
import { copyOf, decodeBase64Url, importKemKey, thumbprint } from '@sealwire/core';
import { keysInvalid } from './failures.ts';
import { publicHalf } from './private-key-info.ts';
import type { KeyEntry } from './storage.ts';

export type SymmetricAlgorithm = 'AES-256-GCM' | 'HMAC-SHA256';

/**
 * Id of a symmetric key: base64url of SHA-256("sealwire/1 key" || 00 || lv(alg) || secret), as the thumbprint of a
 * signing key is of its public half. Of 32 random bytes it tells nothing.
 */
export function symmetricKeyId(alg: SymmetricAlgorithm, secret: Uint8Array): string {
  const about = Buffer.from(`sealwire/1 key\0\0${String.fromCharCode(alg.length)}${alg}`, 'latin1');
  return createHash('sha256').update(about).update(secret).digest('base64url');
}

/**
 * Makes sure that a secret is that of an entry: its id comes out again.
 * @param place where the secret is from, for the error
 * @throws SealwireError `keys-invalid`
 */
export async function checkSecret(entry: KeyEntry, secret: Uint8Array, place: string): Promise<void> {
  let id: string | undefined;
  try {
    if (secret.length === 32) id = await idOf(entry, secret);
  } catch {
    // No key of its algorithm, or the halves do not belong together.
  }
  if (id !== entry.id) {
    const problem = `does not hold the ${entry.alg} key ${entry.id}: files were exchanged, or it is damaged`;
    throw keysInvalid(place, problem, 'Restore it from a backup, or retire the key.');
  }
}

async function idOf({ alg, pub }: KeyEntry, secret: Uint8Array): Promise<string | undefined> {
  if (alg === 'AES-256-GCM' || alg === 'HMAC-SHA256') return symmetricKeyId(alg, secret);
  const publicBytes = decodeBase64Url(pub ?? '');
  if (alg !== 'Ed25519') return (await importKemKey(alg, publicBytes, copyOf(secret))).kid;
  const derived = publicHalf(alg, secret);
  return Buffer.from(publicBytes).equals(derived) ? thumbprint(alg, derived) : undefined;
}
