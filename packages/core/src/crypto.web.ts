import { concat } from './bytes.ts';
import { rejected } from './errors.ts';
import { splitKeyMaterial } from './key-schedule.ts';
import type { KeyAndNonce } from './primitives.ts';

export type MasterKey = CryptoKey;
export type AeadKey = CryptoKey;

// WebCrypto's types want to know that no view lies over shared memory; nothing here ever does.
const source = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;

export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** A browser's generator is cheap to ask. */
export const randomNonce = randomBytes;

export async function sha256(data: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', source(data)));
}

export function importMaster(bytes: Uint8Array): Promise<MasterKey> {
  return crypto.subtle.importKey('raw', source(bytes), { name: 'HMAC', hash: 'SHA-512' }, false, ['sign']);
}

export async function hmacSha512(key: MasterKey, data: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, source(data)));
}

export function importAeadKey(bytes: Uint8Array): Promise<AeadKey> {
  return crypto.subtle.importKey('raw', source(bytes), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

export async function messageKeys(master: MasterKey, input: Uint8Array): Promise<KeyAndNonce<AeadKey>> {
  const { key: bytes, baseNonce } = splitKeyMaterial(await hmacSha512(master, input));
  const key = await importAeadKey(bytes);
  bytes.fill(0);
  return { key, baseNonce };
}

export async function aeadSeal(
  key: AeadKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  parts: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  const algorithm = { name: 'AES-GCM', iv: source(nonce), additionalData: source(aad) };
  return [new Uint8Array(await crypto.subtle.encrypt(algorithm, key, joined(parts)))];
}

export async function aeadOpen(
  key: AeadKey,
  nonce: Uint8Array,
  aad: Uint8Array,
  parts: readonly Uint8Array[],
  tag: Uint8Array,
): Promise<Uint8Array[]> {
  const algorithm = { name: 'AES-GCM', iv: source(nonce), additionalData: source(aad) };
  try {
    return [new Uint8Array(await crypto.subtle.decrypt(algorithm, key, concat(...parts, tag)))];
  } catch {
    throw rejected();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return parts.length === 1 ? source(parts[0] as Uint8Array) : concat(...parts);
}

const maxArguments = 8192;

/** TextDecoder's "latin1" is another encoding, windows-1252. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += maxArguments) {
    text += String.fromCharCode(...bytes.subarray(i, i + maxArguments));
  }
  return text;
}

export function fromLatin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(latin1(bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return fromLatin1(atob(text.replaceAll('-', '+').replaceAll('_', '/')));
}
