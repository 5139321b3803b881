// One secret in one PEM file: PKCS#8, encrypted.
import { keysInvalid } from './failures.ts';
import type { Passphrase } from './passphrase.ts';
import { decryptPbes2, encryptPbes2, undecryptable } from './pbes2.ts';
import { decodePem, encodePem } from './pem.ts';
import { decodePrivateKey, encodePrivateKey } from './private-key-info.ts';
import type { KeyAlgorithm } from './storage.ts';

const label = 'ENCRYPTED PRIVATE KEY';
export const maxKeyFileLength = 8192;

/** @param salt see {@link encryptPbes2} */
export async function encodeKeyFile(
  alg: KeyAlgorithm,
  secret: Uint8Array,
  passphrase: Passphrase,
  salt?: Uint8Array,
): Promise<string> {
  const info = encodePrivateKey(alg, secret);
  try {
    return encodePem(label, await encryptPbes2(info, passphrase, salt));
  } finally {
    info.fill(0);
  }
}

/**
 * Algorithm and secret of a file; the caller zeroes the secret, and makes sure that it is the right one.
 * @throws SealwireError `keys-invalid`, which calls the file `place`
 */
export async function decodeKeyFile(
  text: string,
  passphrase: Passphrase,
  place: string,
): Promise<{ alg: KeyAlgorithm; secret: Uint8Array }> {
  const pem = decodePem(text);
  if (pem?.label !== label) {
    const open = /^-----BEGIN (?:EC )?PRIVATE KEY-----$/m.test(text);
    const problem = open ? 'holds a key that is not encrypted' : `is no PEM file of an ${label}`;
    const remedy = open
      ? 'Whoever saw the file has the key: make a new one. To encrypt: openssl pkcs8 -topk8 -scrypt -scrypt_N 16384 -scrypt_r 8 -scrypt_p 5 -v2 aes-256-cbc'
      : 'Restore it from a backup.';
    throw keysInvalid(place, problem, remedy);
  }
  const info = await decryptPbes2(pem.bytes, passphrase, place);
  try {
    const decoded = decodePrivateKey(info);
    if (decoded === undefined) throw undecryptable(place);
    return decoded;
  } finally {
    info.fill(0);
  }
}
