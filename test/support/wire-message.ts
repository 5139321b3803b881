import {
  aeadOpen,
  aeadSeal,
  concat,
  decodeFieldSection,
  decodeResponseHead,
  encodeFieldSection,
  encodeRequestHead,
  type Field,
  headLength,
  type MasterKey,
  type MessageKeys,
  maxRecordPlaintext,
  messageNonceLength,
  type RecordKind,
  RecordReader,
  RecordWriter,
  requestKeys,
  responseKeys,
} from '@sealwire/core';

/** Sealed messages made and opened by hand, so that a test can put anything into them and see everything in them. */

/** One record to be sealed: its kind and its plaintext. */
export interface PlainRecord {
  readonly kind: RecordKind;
  readonly plaintext: Uint8Array;
}

/** Seals records under the keys of a request, whatever they are. */
export async function sealRecords(
  master: MasterKey,
  n: number,
  nonce: Uint8Array,
  records: readonly PlainRecord[],
): Promise<Buffer> {
  return sealUnder(requestKeys(master, n, nonce), nonce, records);
}

/** Seals records under any keys, those of a response for example. */
export async function sealUnder(
  keys: MessageKeys,
  nonce: Uint8Array,
  records: readonly PlainRecord[],
): Promise<Buffer> {
  const writer = new RecordWriter(keys.baseNonce);
  const sealed: Uint8Array[] = [nonce];
  for (const { kind, plaintext } of records) {
    const record = writer.next(kind, plaintext.length);
    sealed.push(record.header, ...(await aeadSeal(keys.key, record.nonce, record.header, [plaintext])));
  }
  return Buffer.from(concat(...sealed));
}

export interface RequestParts {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly fields: readonly Field[];
  readonly body: Uint8Array;
  /** Lengths of the records' shares of the body; what is left over fills records of the largest size. */
  readonly shares?: readonly number[] | undefined;
  readonly trailers?: readonly Field[] | undefined;
}

/** The records of a request as a client cuts them, or in the shares that the test says. */
export function requestRecords({ body, shares, trailers, ...head }: RequestParts): PlainRecord[] {
  const encoded = encodeRequestHead(head);
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const share of shares ?? [maxRecordPlaintext - encoded.length]) {
    parts.push(body.subarray(offset, offset + share));
    offset += share;
  }
  for (; offset < body.length; offset += maxRecordPlaintext)
    parts.push(body.subarray(offset, offset + maxRecordPlaintext));
  parts[0] = concat(encoded, parts[0] ?? new Uint8Array());
  const records = parts.map((plaintext, index): PlainRecord => {
    const last = index === parts.length - 1 && trailers === undefined;
    return { kind: last ? 'final' : 'more', plaintext };
  });
  if (trailers !== undefined) records.push({ kind: 'trailers', plaintext: encodeFieldSection(trailers) });
  return records;
}

/** Where the records of a message end, the end of the nonce first; headers are not secret. */
export function recordEdges(message: Uint8Array): number[] {
  const edges = [messageNonceLength];
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  for (let at = messageNonceLength; at + 4 <= bytes.length; ) {
    at += 4 + (bytes.readUInt32BE(at) & 0x1ffff);
    edges.push(at);
  }
  return edges;
}

export interface OpenedResponse {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly body: Buffer;
  readonly trailers: readonly Field[];
  /** Kinds and plaintext lengths of the records, in order; record 0 holds the head. */
  readonly records: readonly { kind: RecordKind; length: number }[];
  /** True if the final record came. */
  readonly complete: boolean;
}

/** The value of a field, those that stand more often joined as `Headers` does. */
export function fieldOf(response: { fields: readonly Field[] }, name: string): string | undefined {
  const values = response.fields.filter(([each]) => each === name).map(([, value]) => value);
  return values.length > 0 ? values.join(', ') : undefined;
}

/** What a sealed response is opened with. */
export interface ResponseContext {
  readonly master: MasterKey;
  readonly n: number;
  readonly nonceQ: Uint8Array;
}

/** Opens a response as its bytes arrive. */
export class ResponseOpener {
  readonly #context: ResponseContext;
  #nonce: Buffer = Buffer.alloc(0);
  #keys: MessageKeys | undefined;
  #reader!: RecordReader;
  #head: { status: number; fields: readonly Field[] } | undefined;
  #trailers: Field[] = [];
  readonly #records: { kind: RecordKind; length: number }[] = [];
  readonly #body: Buffer[] = [];

  constructor(context: ResponseContext) {
    this.#context = context;
  }

  /** Returns what these bytes completed of the body. @throws SealwireError `rejected` */
  async push(bytes: Uint8Array): Promise<Buffer> {
    let rest = bytes;
    if (this.#keys === undefined) {
      const missing = messageNonceLength - this.#nonce.length;
      this.#nonce = Buffer.concat([this.#nonce, bytes.subarray(0, missing)]);
      if (this.#nonce.length < messageNonceLength) return Buffer.alloc(0);
      const { master, n, nonceQ } = this.#context;
      this.#keys = responseKeys(master, n, nonceQ, this.#nonce);
      this.#reader = new RecordReader(this.#keys.baseNonce);
      rest = bytes.subarray(missing);
    }
    const before = this.#body.length;
    this.#reader.push(rest);
    for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
      const { nonce, header, parts, tag, kind } = frame;
      this.#take(kind, concat(...(await aeadOpen(this.#keys.key, nonce, header, parts, tag))));
    }
    return Buffer.concat(this.#body.slice(before));
  }

  #take(kind: RecordKind, plaintext: Uint8Array): void {
    this.#records.push({ kind, length: plaintext.length });
    let body = plaintext;
    if (this.#head === undefined) {
      const length = headLength(plaintext);
      this.#head = decodeResponseHead(plaintext.subarray(0, length));
      body = plaintext.subarray(length);
    }
    if (kind === 'trailers') this.#trailers = decodeFieldSection(plaintext);
    else if (kind !== 'padding' && body.length > 0) this.#body.push(Buffer.from(body));
  }

  /** True once the head came. */
  get begun(): boolean {
    return this.#head !== undefined;
  }

  /** What came so far. */
  get opened(): OpenedResponse {
    if (this.#head === undefined) throw new Error('the head of the response is not there yet');
    return {
      ...this.#head,
      body: Buffer.concat(this.#body),
      trailers: this.#trailers,
      records: this.#records,
      complete: this.#reader.done,
    };
  }
}
