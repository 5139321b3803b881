import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { passphrase } from './keys.ts';

/** What the openssl command writes. It gets the passphrase in `env:PASSPHRASE`. */
export function openssl(...args: readonly string[]): Buffer {
  const env = { ...process.env, PASSPHRASE: passphrase };
  return execFileSync('openssl', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

const genpkey = {
  X25519: ['-algorithm', 'X25519'],
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  Ed25519: ['-algorithm', 'Ed25519'],
} as const;
export type OpensslAlgorithm = keyof typeof genpkey;
export const opensslAlgorithms = Object.keys(genpkey) as OpensslAlgorithm[];

/** A new key of openssl, not encrypted. */
export function generateOpenssl(alg: OpensslAlgorithm, out: string): void {
  openssl('genpkey', ...genpkey[alg], '-out', out);
  chmodSync(out, 0o600);
}

export const scryptOptions = ['-scrypt', '-scrypt_N', '16384', '-scrypt_r', '8', '-scrypt_p', '5'];

/** Encrypts a key of openssl. */
export function encryptOpenssl(file: string, out: string, options: readonly string[] = scryptOptions): void {
  openssl('pkcs8', '-topk8', '-in', file, '-out', out, '-passout', 'env:PASSPHRASE', ...options);
  chmodSync(out, 0o600);
}

/** The public half of a key file, as openssl sees it: the end of its SPKI. */
export function opensslPublic(file: string, length: number): Buffer {
  const spki = openssl('pkey', '-in', file, '-passin', 'env:PASSPHRASE', '-pubout', '-outform', 'DER');
  return spki.subarray(spki.length - length);
}
