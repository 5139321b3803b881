import type { KDFFactory, KEMFactory } from 'hpke';

/** A value that is there at once on Node and promised on WebCrypto; shared code awaits it. */
export type Maybe<T> = T | Promise<T>;

/** Goes on with a value as soon as it is there. */
export function after<A, B>(value: Maybe<A>, use: (value: A) => Maybe<B>): Maybe<B> {
  return value instanceof Promise ? value.then(use) : use(value);
}

export interface KeyAndNonce<AeadKey> {
  readonly key: AeadKey;
  readonly baseNonce: Uint8Array;
}

/**
 * What `#crypto` offers, whichever file the `imports` map of package.json selects: `crypto.node.ts` answers
 * synchronously through `node:crypto`, `crypto.web.ts` through WebCrypto.
 */
export interface Primitives<MasterKey, AeadKey> {
  /** `length` bytes from the platform's generator. */
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
  /** Random bytes that are no secret: those of a message nonce. */
  randomNonce(length: number): Uint8Array<ArrayBuffer>;
  sha256(data: Uint8Array): Maybe<Uint8Array<ArrayBuffer>>;
  /** A session's 64-byte master secret as a key for HMAC-SHA512. The caller zeroes `bytes`. */
  importMaster(bytes: Uint8Array): Maybe<MasterKey>;
  /** HMAC-SHA512, 64 bytes. */
  hmacSha512(key: MasterKey, data: Uint8Array): Maybe<Uint8Array<ArrayBuffer>>;
  /** A 32-byte key for AES-256-GCM. The caller zeroes `bytes`. */
  importAeadKey(bytes: Uint8Array): Maybe<AeadKey>;
  /** The keys of one message: HMAC-SHA512 of an input of key-schedule.ts, taken apart. */
  messageKeys(key: MasterKey, input: Uint8Array): Maybe<KeyAndNonce<AeadKey>>;
  /** AES-256-GCM: the ciphertext of the joined parts in pieces, the 16-byte tag at the end of the last one. */
  aeadSeal(
    key: AeadKey,
    nonce: Uint8Array,
    aad: Uint8Array,
    parts: readonly Uint8Array[],
  ): Maybe<Uint8Array[]>;
  /** AES-256-GCM: the plaintext in pieces, handed out only if the 16-byte tag is right. @throws SealwireError `rejected` */
  aeadOpen(
    key: AeadKey,
    nonce: Uint8Array,
    aad: Uint8Array,
    parts: readonly Uint8Array[],
    tag: Uint8Array,
  ): Maybe<Uint8Array[]>;
  /** One character for each byte. */
  latin1(bytes: Uint8Array): string;
  /** The bytes of such a text. */
  fromLatin1(text: string): Uint8Array<ArrayBuffer>;
  /** base64url without padding. */
  toBase64(bytes: Uint8Array): string;
  /** Lenient decoder; base64url.ts checks that the text was canonical. */
  fromBase64(text: string): Uint8Array<ArrayBuffer>;
}

/** What `#kems` offers: the KEMs of stored keys, for the library behind hpke.ts. */
export interface Kems {
  /** HKDF-SHA256 for HPKE. */
  kdf: KDFFactory;
  /** The KEM with this id for HPKE; code for ML-KEM is loaded on demand. */
  loadKem(id: number): Promise<KEMFactory>;
}
