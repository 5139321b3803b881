import { createCipheriv, createHmac } from 'node:crypto';
import { aeadOpen, importAeadKey } from '../../src/crypto.node.ts';
import { isSealwireError } from '../../src/errors.ts';
import { type RecordKind, RecordReader } from '../../src/records.ts';

// Sealed messages written from the protocol's text, on node:crypto alone, and read with RecordReader.

export interface PlainRecord {
  readonly kind: RecordKind;
  readonly plaintext: Uint8Array;
}

export const key = new Uint8Array(32).map((_, i) => i + 1);
export const baseNonce = new Uint8Array(12).map((_, i) => 0xf0 ^ i);

const bits: Record<RecordKind, number> = {
  more: 0,
  final: 0x8000_0000,
  trailers: 0xa000_0000,
  padding: 0x4000_0000,
};

export function header(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export function headerOf(kind: RecordKind, plaintextLength: number): Uint8Array {
  return header(bits[kind] + plaintextLength + 16);
}

/** Base nonce XOR the counter as a number of 96 bits. */
export function nonceOf(base: Uint8Array, counter: number): Uint8Array {
  const number = BigInt(`0x${Buffer.from(base).toString('hex')}`) ^ BigInt(counter);
  return new Uint8Array(Buffer.from(number.toString(16).padStart(24, '0'), 'hex'));
}

/** One record: header, ciphertext, tag. */
export function sealRecord(
  { kind, plaintext }: PlainRecord,
  counter: number,
  keys = { key, baseNonce },
): Uint8Array {
  const aad = headerOf(kind, plaintext.length);
  const cipher = createCipheriv('aes-256-gcm', keys.key, nonceOf(keys.baseNonce, counter));
  cipher.setAAD(aad);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return new Uint8Array(Buffer.concat([aad, ciphertext, cipher.getAuthTag()]));
}

export function sealRecords(records: readonly PlainRecord[], keys = { key, baseNonce }): Uint8Array {
  return new Uint8Array(Buffer.concat(records.map((record, counter) => sealRecord(record, counter, keys))));
}

/** Key and base nonce of a request, from the text of the protocol: HKDF-Expand's first block. */
export function requestKeys(master: Uint8Array, n: number, nonceQ: Uint8Array, nonceP?: Uint8Array) {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(n));
  const label = Buffer.from(`sealwire/1 ${nonceP === undefined ? 'request' : 'response'}\0`);
  const info = Buffer.concat([label, number, nonceQ, nonceP ?? new Uint8Array()]);
  const okm = createHmac('sha512', master)
    .update(info)
    .update(Buffer.from([1]))
    .digest();
  return { key: new Uint8Array(okm.subarray(0, 32)), baseNonce: new Uint8Array(okm.subarray(32, 44)) };
}

export interface Opened {
  readonly records: { kind: RecordKind; plaintext: string }[];
  /** True only if the final record authenticated and the message ended with it. */
  readonly complete: boolean;
  readonly code: string | undefined;
}

/** Opens a message as a receiver does: record by record, nothing after an error. */
export function openChunks(chunks: Iterable<Uint8Array>, keys = { key, baseNonce }): Opened {
  const reader = new RecordReader(keys.baseNonce);
  const aeadKey = importAeadKey(keys.key);
  const records: Opened['records'] = [];
  try {
    for (const chunk of chunks) {
      reader.push(chunk);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        const opened = aeadOpen(aeadKey, frame.nonce, frame.header, frame.parts, frame.tag);
        records.push({ kind: frame.kind, plaintext: Buffer.concat(opened).toString('hex') });
      }
    }
    reader.end();
    return { records, complete: true, code: undefined };
  } catch (error) {
    if (!isSealwireError(error)) throw error;
    return { records, complete: false, code: error.code };
  }
}

export function plain(kind: RecordKind, content: string | number | Uint8Array): PlainRecord {
  if (typeof content === 'number') return { kind, plaintext: new Uint8Array(content).fill(0x61) };
  return { kind, plaintext: typeof content === 'string' ? new Uint8Array(Buffer.from(content)) : content };
}

export function asOpened(records: readonly PlainRecord[]): Opened['records'] {
  return records.map(({ kind, plaintext }) => ({ kind, plaintext: Buffer.from(plaintext).toString('hex') }));
}
