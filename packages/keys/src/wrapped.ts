// Bytes encrypted with AES-256-GCM under a key of their own, which something else keeps: a key service, a passphrase.
//
//   "sealwire/1 wrapped" || 00 || u8 kind || u16 length || wrapped key || nonce (12) || ciphertext || tag (16)
//
// What stands before the ciphertext is authenticated with it.
import {
  type AeadKey,
  aeadOpen,
  aeadSeal,
  concat,
  importAeadKey,
  type Maybe,
  randomBytes,
} from '@sealwire/core';
import { keysInvalid } from './failures.ts';

/** What keeps the key: a function of the user, or a passphrase. */
export type WrapKind = 'function' | 'passphrase';

const kinds: readonly WrapKind[] = ['function', 'passphrase'];
const mark = Buffer.from('sealwire/1 wrapped\0', 'latin1');
const keyLength = 32;
const nonceLength = 12;
const tagLength = 16;
const keyAt = mark.length + 3;
const maxWrappedKey = 16_384;

/** @param wrap gets a 32-byte key, which is zeroed afterwards @throws SealwireError `keys-invalid`; what `wrap` throws */
export async function wrapBytes(
  plaintext: Uint8Array,
  kind: WrapKind,
  wrap: (key: Uint8Array) => Maybe<Uint8Array>,
): Promise<Uint8Array> {
  const dataKey = randomBytes(keyLength);
  try {
    const wrapped = await wrap(dataKey);
    if (!(wrapped instanceof Uint8Array))
      throw keysInvalid('The wrapped key', 'is no Uint8Array', 'Check what wrap() returns.');
    const { length } = wrapped;
    if (length === 0 || length > maxWrappedKey)
      throw keysInvalid('The wrapped key', `has ${length} bytes`, `It has 1 to ${maxWrappedKey}.`);
    const about = Uint8Array.of(kinds.indexOf(kind), length >>> 8, length & 0xff);
    const nonce = randomBytes(nonceLength);
    const header = concat(mark, about, wrapped, nonce);
    return concat(header, ...(await aeadSeal(await importAeadKey(dataKey), nonce, header, [plaintext])));
  } finally {
    dataKey.fill(0);
  }
}

/** What keeps the key of wrapped bytes; undefined for any others. */
export function wrapKindOf(bytes: Uint8Array): WrapKind | undefined {
  return mark.equals(bytes.subarray(0, mark.length)) ? kinds[bytes[mark.length] ?? -1] : undefined;
}

/**
 * @param place names the bytes in errors
 * @param unwrap gets back what `wrap` returned, and returns the 32-byte key, which is zeroed afterwards
 * @throws SealwireError `keys-invalid`; what `unwrap` throws
 */
export async function unwrapBytes(
  bytes: Uint8Array,
  place: string,
  unwrap: (wrapped: Uint8Array) => Maybe<Uint8Array>,
): Promise<Uint8Array> {
  const length = ((bytes[keyAt - 2] ?? 0) << 8) | (bytes[keyAt - 1] ?? 0);
  const nonceAt = keyAt + length;
  const headerLength = nonceAt + nonceLength;
  const tagAt = bytes.length - tagLength;
  if (wrapKindOf(bytes) === undefined || length === 0 || length > maxWrappedKey || tagAt < headerLength)
    throw keysInvalid(place, 'does not have the form of wrapped keys', 'Make it with wrapBundle().');
  const key = await importDataKey(await unwrap(bytes.slice(keyAt, nonceAt)), place);
  const [header, nonce] = [bytes.subarray(0, headerLength), bytes.subarray(nonceAt, headerLength)];
  try {
    const [ciphertext, tag] = [bytes.subarray(headerLength, tagAt), bytes.subarray(tagAt)];
    return concat(...(await aeadOpen(key, nonce, header, [ciphertext], tag)));
  } catch {
    const problem = 'does not authenticate: it was changed, or its key was unwrapped with another one';
    throw keysInvalid(place, problem, 'Restore it from a backup, or unwrap with what it was wrapped with.');
  }
}

async function importDataKey(bytes: Uint8Array, place: string): Promise<AeadKey> {
  const isKey = bytes instanceof Uint8Array && bytes.length === keyLength;
  if (!isKey) throw keysInvalid(place, 'was not unwrapped to a 32-byte key', 'Check what unwrap() returns.');
  const key = await importAeadKey(bytes);
  bytes.fill(0);
  return key;
}
