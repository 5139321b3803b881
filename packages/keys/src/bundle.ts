// All keys of a ring in one piece, for where there is no folder: an environment variable, a secret of the platform,
// a text that a key service has to unwrap.
import { decodeBase64Url, encodeBase64Url, type Maybe, SealwireError, withinLimit } from '@sealwire/core';
import { BundledKeys } from './bundled-keys.ts';
import { keysInvalid } from './failures.ts';
import { Passphrase } from './passphrase.ts';
import { decryptPbes2, encryptPbes2 } from './pbes2.ts';
import type { KeyStorage } from './storage.ts';
import { unwrapBytes, wrapBytes, wrapKindOf } from './wrapped.ts';

/** Bytes of a bundle, as text or not. */
export const maxBundleLength = 8 * 2 ** 20;
const unwrapLimit = 10_000;

export interface BundleOptions {
  /** What encrypts the bundle: 8 to 1,024 bytes, text in UTF-8. */
  readonly passphrase?: string | Uint8Array | undefined;
}

export interface WrapOptions {
  /** Encrypts the 32 bytes of a key, with a key service for example, to at most 16 KiB. */
  readonly wrap: (key: Uint8Array) => Maybe<Uint8Array>;
}

export interface UnwrapOptions {
  /** Decrypts what `wrap` returned to the 32 bytes. It has 10 seconds. */
  readonly unwrap: (wrapped: Uint8Array) => Maybe<Uint8Array>;
}

/**
 * All keys of a storage as one line of base64url, for `SEALWIRE_KEYS`. Without a passphrase, who sees it has the keys.
 * @throws SealwireError `keys-invalid`, `invalid-option`
 */
export async function exportBundle(storage: KeyStorage, options: BundleOptions = {}): Promise<string> {
  const { passphrase } = options;
  return withBytesOf(storage, async (bytes) => {
    if (passphrase === undefined) return encodeBase64Url(bytes);
    const by = new Passphrase(passphrase);
    return encodeBase64Url(await wrapBytes(bytes, 'passphrase', (key) => encryptPbes2(key, by)));
  });
}

/**
 * The keys in a text of {@link exportBundle}; they cannot be changed.
 * @throws SealwireError `keys-invalid`, `invalid-option`
 */
export function openBundle(text: string, options: BundleOptions = {}): Promise<KeyStorage> {
  return openBundleOf('The key bundle', text, options);
}

/** The same of a bundle that errors call `place`. */
export async function openBundleOf(place: string, text: string, options: BundleOptions): Promise<KeyStorage> {
  const passphrase = options.passphrase === undefined ? undefined : new Passphrase(options.passphrase);
  const bytes = decodeText(text, place);
  const kind = wrapKindOf(bytes);
  if (kind === 'function')
    throw keysInvalid(place, 'has to be unwrapped by a function', 'Open it with openWrappedBundle().');
  if (kind === undefined) {
    // Whoever put it there did not need to know the passphrase.
    if (passphrase !== undefined)
      throw keysInvalid(
        place,
        'is not encrypted, but there is a passphrase',
        'Export it with the passphrase.',
      );
    return BundledKeys.decode(bytes, place);
  }
  if (passphrase === undefined)
    throw keysInvalid(place, 'is encrypted', 'Give its passphrase, in SEALWIRE_KEYS_PASSPHRASE for example.');
  const unwrap = (wrapped: Uint8Array) => decryptPbes2(wrapped, passphrase, place);
  return BundledKeys.decode(await unwrapBytes(bytes, place, unwrap), place);
}

/**
 * All keys of a storage, encrypted with AES-256-GCM under a key that `wrap` encrypts.
 * @throws SealwireError `keys-invalid`, `invalid-option`; what `wrap` throws
 */
export async function wrapBundle(storage: KeyStorage, options: WrapOptions): Promise<Uint8Array> {
  const wrap = functionOf(options?.wrap, 'wrap');
  return withBytesOf(storage, (bytes) => wrapBytes(bytes, 'function', wrap));
}

function functionOf<T>(value: T, name: string): T {
  if (typeof value === 'function') return value;
  throw new SealwireError(
    'invalid-option',
    `\`${name}\` is a function, kmsWrap() or kmsUnwrap() for example.`,
  );
}

/**
 * The keys in the bytes of {@link wrapBundle}; they cannot be changed.
 * @throws SealwireError `keys-invalid`, also if `unwrap` fails or takes too long; `invalid-option`
 */
export async function openWrappedBundle(bytes: Uint8Array, options: UnwrapOptions): Promise<KeyStorage> {
  const unwrap = functionOf(options?.unwrap, 'unwrap');
  const place = 'The wrapped key bundle';
  if (!(bytes instanceof Uint8Array)) throw keysInvalid(place, 'is no Uint8Array', 'Is its place empty?');
  if (bytes.length > maxBundleLength) throw tooLarge(place);
  if (wrapKindOf(bytes) === 'passphrase')
    throw keysInvalid(place, 'is encrypted with a passphrase', 'Open it with openBundle().');
  const plaintext = await unwrapBytes(bytes, place, async (wrapped) => {
    try {
      return await withinLimit(() => unwrap(wrapped), unwrapLimit);
    } catch (cause) {
      throw keysInvalid(place, 'cannot be unwrapped', 'Is the key service there, and may it be used?', cause);
    }
  });
  return BundledKeys.decode(plaintext, place);
}

async function withBytesOf<T>(storage: KeyStorage, use: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  const bytes = await BundledKeys.encode(storage);
  try {
    if (bytes.length > maxBundleLength / 2) throw tooLarge('The key bundle');
    return await use(bytes);
  } finally {
    bytes.fill(0);
  }
}

function tooLarge(place: string): Error {
  return keysInvalid(place, 'is too large', 'Forget destroyed keys.');
}

function decodeText(text: string, place: string): Uint8Array {
  // An environment variable that is not set, for example.
  if (typeof text !== 'string') throw keysInvalid(place, 'is no text', 'Is its place empty?');
  if (text.length > maxBundleLength) throw tooLarge(place);
  try {
    return decodeBase64Url(text.trim());
  } catch {
    throw keysInvalid(place, 'is not a key bundle: it is no base64url', 'Make it with exportBundle().');
  }
}
