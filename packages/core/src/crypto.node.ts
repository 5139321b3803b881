import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomFillSync,
} from 'node:crypto';
import { rejected } from './errors.ts';
import { plain } from './kem.node.ts';
import { splitKeyMaterial } from './key-schedule.ts';
import type { KeyAndNonce } from './primitives.ts';
import { maxRecordPlaintext } from './records.ts';

export { randomBytes } from './kem.node.ts';

export type MasterKey = KeyObject;
export type AeadKey = KeyObject;

const gcm = 'aes-256-gcm';
const tagOption = { authTagLength: 16 } as const;

// Asking the generator costs as much as sealing a small record, so it is asked for many nonces at once.
const noncePool = Buffer.alloc(4096);
let noncesUsed = noncePool.length;

export function randomNonce(length: number): Uint8Array<ArrayBuffer> {
  if (noncesUsed + length > noncePool.length) {
    randomFillSync(noncePool);
    noncesUsed = 0;
  }
  const nonce = new Uint8Array(length);
  nonce.set(noncePool.subarray(noncesUsed, noncesUsed + length));
  noncesUsed += length;
  return nonce;
}

export function sha256(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return plain(createHash('sha256').update(data).digest());
}

// A raw key costs some Node versions 10 us a call, a KeyObject never does: every key is wrapped.
export function importMaster(bytes: Uint8Array): MasterKey {
  return createSecretKey(bytes);
}

export function hmacSha512(key: MasterKey, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return plain(createHmac('sha512', key).update(data).digest());
}

export function importAeadKey(bytes: Uint8Array): AeadKey {
  return createSecretKey(bytes);
}

export function messageKeys(master: MasterKey, input: Uint8Array): KeyAndNonce<AeadKey> {
  const { key: bytes, baseNonce } = splitKeyMaterial(hmacSha512(master, input));
  const key = importAeadKey(bytes);
  bytes.fill(0);
  return { key, baseNonce };
}

// OpenSSL copies these at once. Handed over as the small arrays they are, each would first be given an ArrayBuffer
// outside the heap, which costs more than the encryption does.
const nonceArgument = Buffer.alloc(12);
const aadArgument = Buffer.alloc(4);
const tagArgument = Buffer.alloc(16);

function filled(argument: Buffer, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== argument.length) return bytes;
  argument.set(bytes);
  return argument;
}

export function aeadSeal(
  key: AeadKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  parts: readonly Uint8Array[],
): Uint8Array[] {
  const cipher = createCipheriv(gcm, key, filled(nonceArgument, nonce), tagOption);
  cipher.setAAD(filled(aadArgument, aad));
  const pieces: Uint8Array[] = [];
  for (const part of parts) if (part.length > 0) pieces.push(cipher.update(part));
  cipher.final();
  pieces.push(cipher.getAuthTag());
  return pieces;
}

// A record arrives in as many pieces as the network made of it. Opened piece by piece, each would take memory of its own,
// and whoever reads the stream would join them again.
const ciphertextArgument = Buffer.allocUnsafeSlow(maxRecordPlaintext);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  let length = 0;
  for (const part of parts) {
    ciphertextArgument.set(part, length);
    length += part.length;
  }
  return ciphertextArgument.subarray(0, length);
}

export function aeadOpen(
  key: AeadKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  parts: readonly Uint8Array[],
  tag: Uint8Array,
): Uint8Array[] {
  const decipher = createDecipheriv(gcm, key, filled(nonceArgument, nonce), tagOption);
  decipher.setAAD(filled(aadArgument, aad));
  decipher.setAuthTag(filled(tagArgument, tag));
  const ciphertext = joined(parts);
  const pieces = ciphertext.length === 0 ? [] : [decipher.update(ciphertext)];
  try {
    decipher.final();
  } catch {
    for (const piece of pieces) piece.fill(0);
    throw rejected();
  }
  return pieces;
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export function fromLatin1(text: string): Uint8Array<ArrayBuffer> {
  return plain(Buffer.from(text, 'latin1'));
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return plain(Buffer.from(text, 'base64url'));
}
