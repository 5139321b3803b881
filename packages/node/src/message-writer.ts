import {
  aeadSeal,
  encodeFieldSection,
  type Field,
  type MessageKeys,
  maxRecordPlaintext,
  messageNonceLength,
  type RecordKind,
  RecordWriter,
  recordOverhead,
} from '@sealwire/core';

/** Records up to this size are copied into one buffer, which is cheaper to send than three. */
const copyUpTo = 16_384;

/** Seals one message synchronously: what `records` returns is to be sent, piece by piece, in order. */
export class MessageWriter {
  readonly #keys: MessageKeys;
  readonly #records: RecordWriter;
  /** The nonce and the head, until the first record takes them. */
  #nonce: Uint8Array | undefined;
  #head: Uint8Array | undefined;

  constructor(keys: MessageKeys, nonce: Uint8Array, head: Uint8Array) {
    this.#keys = keys;
    this.#records = new RecordWriter(keys.baseNonce);
    this.#nonce = nonce;
    this.#head = head;
  }

  /** True until the head is sealed. */
  get headPending(): boolean {
    return this.#head !== undefined;
  }

  /** Length of the whole message if nothing but `bodyLength` bytes follow, and then trailers of the given length. */
  static messageLength(headLength: number, bodyLength: number, trailersLength: number | undefined): number {
    const plaintext = headLength + bodyLength;
    const records = Math.max(1, Math.ceil(plaintext / maxRecordPlaintext));
    const trailers = trailersLength === undefined ? 0 : trailersLength + recordOverhead;
    return messageNonceLength + plaintext + records * recordOverhead + trailers;
  }

  /** Seals bytes of the body; with `last`, ends the message, with trailers where there are any. */
  records(body: Uint8Array, last: boolean, trailers?: readonly Field[]): Uint8Array[] {
    const out: Uint8Array[] = [];
    const end = trailers === undefined ? 'final' : 'more';
    let offset = 0;
    if (this.#head !== undefined) {
      const head = this.#head;
      this.#head = undefined;
      offset = Math.min(body.length, maxRecordPlaintext - head.length);
      this.#seal(out, last && offset === body.length ? end : 'more', [head, body.subarray(0, offset)]);
      if (offset === body.length && (!last || end === 'final')) return out;
    }
    while (offset < body.length) {
      const piece = body.subarray(offset, offset + maxRecordPlaintext);
      offset += piece.length;
      this.#seal(out, last && offset === body.length ? end : 'more', [piece]);
    }
    if (last && trailers !== undefined) this.#seal(out, 'trailers', [encodeFieldSection(trailers)]);
    else if (last && body.length === 0) this.#seal(out, 'final', []);
    return out;
  }

  #seal(out: Uint8Array[], kind: RecordKind, parts: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of parts) length += part.length;
    const { header, nonce } = this.#records.next(kind, length);
    const sealed = aeadSeal(this.#keys.key, nonce, header, parts);
    const front = this.#nonce === undefined ? [header] : [this.#nonce, header];
    this.#nonce = undefined;
    if (length > copyUpTo) out.push(...front, ...sealed);
    else out.push(Buffer.concat([...front, ...sealed]));
  }
}
