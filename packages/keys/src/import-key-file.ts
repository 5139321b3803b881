import { keysInvalid } from './failures.ts';
import type { KeyDirectoryOptions } from './key-directory.ts';
import { decodeKeyFile, maxKeyFileLength } from './key-file.ts';
import { Passphrase } from './passphrase.ts';
import { readPrivateFile } from './private-files.ts';
import { type CommonAlgorithm, publicHalf } from './private-key-info.ts';

/** A key pair that OpenSSL knows. */
export interface ImportedKey {
  readonly alg: CommonAlgorithm;
  /** 32 bytes, or a point of P-256 uncompressed. */
  readonly pub: Uint8Array;
  /** 32 bytes; the caller zeroes them. */
  readonly secret: Uint8Array;
}

/**
 * The X25519, P-256 or Ed25519 key in a file that OpenSSL encrypted with scrypt (`openssl pkcs8 -topk8 -scrypt`).
 * @throws SealwireError `keys-invalid`, `invalid-option`
 */
export async function importKeyFile(path: string, options: KeyDirectoryOptions): Promise<ImportedKey> {
  const passphrase = new Passphrase(options.passphrase);
  const text = (await readPrivateFile(path, maxKeyFileLength, true)).toString('latin1');
  const { alg, secret } = await decodeKeyFile(text, passphrase, path);
  if (alg === 'X25519' || alg === 'P-256' || alg === 'Ed25519')
    return { alg, pub: publicHalf(alg, secret), secret };
  secret.fill(0);
  throw keysInvalid(path, `holds a key of ${alg}`, 'Import one of X25519, P-256 or Ed25519.');
}
