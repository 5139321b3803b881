import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { aeadOpen, aeadSeal, concat, importAeadKey, randomNonce, SealwireError, utf8 } from '@sealwire/core';
import { ask, regionOf } from './ask.ts';
import { type Call, wrongAnswer } from './failure.ts';
import { checkKeyId, isOfKey, type KmsOptions, timeLimitOf } from './options.ts';

export interface WrappingOptions extends KmsOptions {
  /** Id or ARN of a symmetric key (KeySpec `SYMMETRIC_DEFAULT`). */
  readonly keyId: string;
  /**
   * What the bundle is for, at least one entry, for instance `{ app: 'orders', stage: 'production' }`. It opens under the
   * same context only. AWS keeps it in its logs: no secrets.
   */
  readonly encryptionContext: Readonly<Record<string, string>>;
}

// A wrapped bundle: magic ‖ u16 length ‖ data key as KMS encrypted it ‖ 12-byte nonce ‖ AES-256-GCM of the bundle under
// the data key, with all before the nonce as additional data. A bundle may so be longer than the 4 KiB that KMS encrypts.
const magic = utf8('sealwire/1 kms\0');
const nonceLength = 12;
const tagLength = 16;
const dataKeyLength = 32;

/**
 * A function that wraps a bundle of keys under a new data key of a KMS key (`GenerateDataKey`).
 * @throws SealwireError `invalid-option`; the function: `keys-invalid` with the remedy, `unavailable`
 * @example
 * const wrap = kmsWrap(new KMSClient(), { keyId, encryptionContext: { app: 'orders' } });
 * await writeFile('orders.keys', await wrap(utf8(await StaticKeys.generateExported())));
 */
export function kmsWrap(
  client: KMSClient,
  options: WrappingOptions,
): (bundle: Uint8Array) => Promise<Uint8Array> {
  const { keyId, encryptionContext, timeLimit } = decided(options);
  return async (bundle) => {
    const call: Call = { action: 'GenerateDataKey', keyId, region: await regionOf(client) };
    const command = new GenerateDataKeyCommand({
      KeyId: keyId,
      KeySpec: 'AES_256',
      EncryptionContext: encryptionContext,
    });
    const answer = await ask(call, timeLimit, (sending) => client.send(command, sending));
    const key = await dataKeyOf(call, answer);
    const encrypted = answer.CiphertextBlob ?? new Uint8Array();
    if (encrypted.length === 0) throw wrongAnswer(call, 'has no encrypted data key');
    const head = concat(magic, Uint8Array.of(encrypted.length >>> 8, encrypted.length), encrypted);
    const nonce = randomNonce(nonceLength);
    return concat(head, nonce, ...(await aeadSeal(key, nonce, head, [bundle])));
  };
}

/**
 * A function that opens what {@link kmsWrap} made (`Decrypt`), with the same key and context only. Who calls it zeroes
 * the bundle.
 * @throws SealwireError `invalid-option`; the function: `keys-invalid` with the remedy, `unavailable`
 * @example
 * const unwrap = kmsUnwrap(new KMSClient(), { keyId, encryptionContext: { app: 'orders' } });
 * const keys = await StaticKeys.import(fromUtf8(await unwrap(await readFile('orders.keys'))));
 */
export function kmsUnwrap(
  client: KMSClient,
  options: WrappingOptions,
): (wrapped: Uint8Array) => Promise<Uint8Array> {
  const { keyId, encryptionContext, timeLimit } = decided(options);
  return async (wrapped) => {
    const { head, encrypted, nonce, sealed, tag } = parts(wrapped);
    const call: Call = { action: 'Decrypt', keyId, region: await regionOf(client) };
    const command = new DecryptCommand({
      KeyId: keyId,
      CiphertextBlob: encrypted,
      EncryptionContext: encryptionContext,
    });
    const answer = await ask(call, timeLimit, (sending) => client.send(command, sending));
    const key = await dataKeyOf(call, answer);
    const opened = await open(() => aeadOpen(key, nonce, head, [sealed], tag));
    const bundle = concat(...opened);
    for (const piece of opened) piece.fill(0);
    return bundle;
  };
}

function decided(options: WrappingOptions) {
  const { keyId, encryptionContext } = options ?? {};
  checkKeyId(keyId);
  const entries = Object.entries(encryptionContext ?? {});
  if (entries.length === 0 || entries.some(([name, value]) => name === '' || typeof value !== 'string'))
    throw new SealwireError('invalid-option', 'encryptionContext has names and texts, at least one of each.');
  return { keyId, encryptionContext: Object.fromEntries(entries), timeLimit: timeLimitOf(options) };
}

type DataKeyAnswer = { KeyId?: string | undefined; Plaintext?: Uint8Array | undefined };

async function dataKeyOf(call: Call, { KeyId, Plaintext }: DataKeyAnswer) {
  try {
    if (!isOfKey(KeyId, call.keyId)) throw wrongAnswer(call, 'is of another key', 'keys-invalid');
    if (Plaintext?.length !== dataKeyLength) throw wrongAnswer(call, 'has not 32 bytes', 'keys-invalid');
    return await importAeadKey(Plaintext);
  } finally {
    Plaintext?.fill(0);
  }
}

function parts(wrapped: Uint8Array) {
  const lengthAt = magic.length;
  const encryptedAt = lengthAt + 2;
  const nonceAt = encryptedAt + (((wrapped[lengthAt] ?? 0) << 8) | (wrapped[lengthAt + 1] ?? 0));
  const sealedAt = nonceAt + nonceLength;
  const tagAt = wrapped.length - tagLength;
  if (!magic.every((byte, index) => wrapped[index] === byte) || nonceAt === encryptedAt || sealedAt > tagAt)
    throw new SealwireError('keys-invalid', 'This is no bundle that kmsWrap() wrapped, or it was cut short.');
  return {
    head: wrapped.subarray(0, nonceAt),
    encrypted: wrapped.subarray(encryptedAt, nonceAt),
    nonce: wrapped.subarray(nonceAt, sealedAt),
    sealed: wrapped.subarray(sealedAt, tagAt),
    tag: wrapped.subarray(tagAt),
  };
}

async function open<T>(decrypt: () => T | Promise<T>): Promise<T> {
  try {
    return await decrypt();
  } catch {
    throw new SealwireError('keys-invalid', 'The wrapped bundle was altered after kmsWrap() made it.');
  }
}
