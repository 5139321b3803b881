// PrivateKeyInfo of PKCS#8 (RFC 5958) for each kind of secret: one encoding only, the one that OpenSSL writes.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { concat } from '@sealwire/core';
import type { KeyAlgorithm } from './storage.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

/** What stands before the 32 octets of the secret. */
const prefixes: Readonly<Record<KeyAlgorithm, Buffer>> = {
  // RFC 8410.
  X25519: hex('302e020100300506032b656e04220420'),
  Ed25519: hex('302e020100300506032b657004220420'),
  // ECPrivateKey of RFC 5915; the public half follows.
  'P-256': hex('308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420'),
  // 1.3.6.1.4.1.62253.25722 with the seed as it is (draft-connolly-cfrg-xwing-kem).
  'MLKEM768-X25519': hex('3034020100300d060b2b0601040183e62d81c87a0420'),
  // PKCS#8 has no symmetric keys; as key stores of Java do, these stand under the OID of what uses them:
  // id-aes256-GCM and hmacWithSHA256.
  'AES-256-GCM': hex('3032020100300b060960864801650304012e0420'),
  'HMAC-SHA256': hex('3031020100300a06082a864886f70d02090420'),
};
const p256PublicPrefix = hex('a144034200');
/** P-256 without the public half, to compute it. */
const p256Short = hex('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420');

/** What OpenSSL has a name for, and whose public half Node computes. */
export type CommonAlgorithm = 'X25519' | 'Ed25519' | 'P-256';
const publicLengths: Readonly<Record<CommonAlgorithm, number>> = { X25519: 32, Ed25519: 32, 'P-256': 65 };

/** PKCS#8 of a secret of 32 bytes. The caller zeroes both. */
export function encodePrivateKey(alg: KeyAlgorithm, secret: Uint8Array): Uint8Array {
  return concat(prefixes[alg], secret, suffixOf(alg, secret));
}

/** Algorithm and secret, a copy; undefined for anything that {@link encodePrivateKey} does not write. */
export function decodePrivateKey(der: Buffer): { alg: KeyAlgorithm; secret: Uint8Array } | undefined {
  for (const [name, prefix] of Object.entries(prefixes)) {
    const alg = name as KeyAlgorithm;
    const end = prefix.length + 32;
    if (der.length < end || !der.subarray(0, prefix.length).equals(prefix)) continue;
    const secret = new Uint8Array(der.subarray(prefix.length, end));
    try {
      if (der.subarray(end).equals(suffixOf(alg, secret))) return { alg, secret };
    } catch {
      // No scalar of P-256.
    }
    secret.fill(0);
  }
  return undefined;
}

/** The public half of a secret of 32 bytes; a point of P-256 uncompressed. @throws errors of OpenSSL */
export function publicHalf(alg: CommonAlgorithm, secret: Uint8Array): Uint8Array {
  const der = Buffer.concat([alg === 'P-256' ? p256Short : prefixes[alg], secret]);
  try {
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    return new Uint8Array(spki.subarray(spki.length - publicLengths[alg]));
  } finally {
    der.fill(0);
  }
}

function suffixOf(alg: KeyAlgorithm, secret: Uint8Array): Uint8Array {
  return alg === 'P-256' ? concat(p256PublicPrefix, publicHalf(alg, secret)) : new Uint8Array();
}
