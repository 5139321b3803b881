import {
  aeadOpen,
  concat,
  copyOf,
  declaredLength,
  decodeFieldSection,
  decodeResponseHead,
  type Field,
  headLength,
  isSealwireError,
  LengthCounter,
  type Maybe,
  type MessageKeys,
  messageNonceLength,
  RecordReader,
  type ResponseHead,
  rejected,
  SealwireError,
} from '@sealwire/core';

type ByteReader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>;

/** Opens one response message, pulling bytes as plaintext is asked for. */
export class MessageReader {
  readonly #bytes: ByteReader;
  #reader: RecordReader | undefined;
  #keys: MessageKeys | undefined;
  #length: LengthCounter = new LengthCounter(undefined);
  /** What came in record 0 behind the head. */
  #first: Uint8Array | undefined;
  trailers: Field[] = [];

  constructor(bytes: ByteReader) {
    this.#bytes = bytes;
  }

  /**
   * Reads nonce and record 0.
   * @param bodiless true if the head may declare a length without a body (HEAD)
   * @throws SealwireError `rejected`, `truncated`; the platform's errors as they are
   */
  async head(
    deriveKeys: (nonce: Uint8Array) => Maybe<MessageKeys>,
    bodiless: boolean,
  ): Promise<ResponseHead> {
    const { nonce, rest } = await this.#readNonce();
    this.#keys = await deriveKeys(nonce);
    this.#reader = new RecordReader(this.#keys.baseNonce);
    this.#reader.push(rest);
    const record = await this.#record();
    if (record === undefined) throw this.#reader.poison(rejected());
    const length = headLength(record);
    const head = decodeResponseHead(record.subarray(0, length));
    // What has no body by its nature may declare the length of one (RFC 9110, 8.6; a 204 does not, but some do).
    if (!bodiless && head.status !== 304 && head.status !== 204)
      this.#length = new LengthCounter(declaredLength(head.fields));
    this.#first = this.#counted(record.subarray(length));
    return head;
  }

  /** The next bytes of the body, at least one; undefined when the final record authenticated and nothing follows. */
  async body(): Promise<Uint8Array | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && first.length > 0) return first;
    for (;;) {
      const record = await this.#record();
      if (record === undefined) return undefined;
      if (record.length > 0) return this.#counted(record);
    }
  }

  cancel(reason: unknown): Promise<void> {
    return this.#bytes.cancel(reason);
  }

  async #readNonce(): Promise<{ nonce: Uint8Array; rest: Uint8Array }> {
    let read: Uint8Array = new Uint8Array();
    while (read.length < messageNonceLength) {
      const { done, value } = await this.#bytes.read();
      if (done) throw new SealwireError('truncated');
      read = read.length === 0 ? value : concat(read, value);
    }
    return { nonce: copyOf(read.subarray(0, messageNonceLength)), rest: read.subarray(messageNonceLength) };
  }

  /** Plaintext of the next record that carries some of head or body; undefined at the end of the message. */
  async #record(): Promise<Uint8Array | undefined> {
    const reader = this.#reader as RecordReader;
    const { key } = this.#keys as MessageKeys;
    for (;;) {
      const frame = reader.next();
      if (frame === undefined) {
        const { done, value } = await this.#bytes.read();
        if (!done) {
          reader.push(value);
          continue;
        }
        reader.end();
        this.#length.end();
        return undefined;
      }
      let pieces: Uint8Array[];
      try {
        pieces = await aeadOpen(key, frame.nonce, frame.header, frame.parts, frame.tag);
      } catch (error) {
        throw reader.poison(isSealwireError(error) ? error : rejected());
      }
      const plaintext = pieces.length === 1 ? (pieces[0] as Uint8Array) : concat(...pieces);
      if (frame.kind === 'trailers') this.trailers = decodeFieldSection(plaintext);
      else if (frame.kind !== 'padding') return plaintext;
    }
  }

  #counted(bytes: Uint8Array): Uint8Array {
    this.#length.add(bytes.length);
    return bytes;
  }
}
