import {
  aeadOpen,
  type MasterKey,
  type MessageKeys,
  messageNonceLength,
  type RecordKind,
  RecordReader,
  rejected,
  requestKeys,
  type SealwireError,
} from '@sealwire/core';

export interface OpenedRecord {
  readonly kind: RecordKind;
  /** The plaintext in pieces, authenticated. */
  readonly pieces: Uint8Array[];
}

/** Opens a request's sealed message synchronously, whatever way its bytes are split. */
export class MessageOpener {
  readonly #master: MasterKey;
  readonly #n: number;
  /** `nonce_q`: its own copy, complete before anything else is read. */
  readonly nonce = new Uint8Array(messageNonceLength);
  #nonceFill = 0;
  #keys: MessageKeys | undefined;
  #reader: RecordReader | undefined;

  constructor(master: MasterKey, n: number) {
    this.#master = master;
    this.#n = n;
  }

  /** True once the final record was opened. */
  get done(): boolean {
    return this.#reader?.done ?? false;
  }

  /** Gives the next bytes; then {@link next} until it returns undefined. */
  push(chunk: Uint8Array): void {
    let rest = chunk;
    if (this.#reader === undefined) {
      const part = chunk.subarray(0, messageNonceLength - this.#nonceFill);
      this.nonce.set(part, this.#nonceFill);
      this.#nonceFill += part.length;
      if (this.#nonceFill < messageNonceLength) return;
      this.#keys = requestKeys(this.#master, this.#n, this.nonce);
      this.#reader = new RecordReader(this.#keys.baseNonce);
      rest = chunk.subarray(part.length);
    }
    this.#reader.push(rest);
  }

  /** @throws SealwireError `rejected` for whatever does not authenticate; from then on for everything */
  next(): OpenedRecord | undefined {
    const frame = this.#reader?.next();
    if (frame === undefined) return undefined;
    try {
      const { key } = this.#keys as MessageKeys;
      return { kind: frame.kind, pieces: aeadOpen(key, frame.nonce, frame.header, frame.parts, frame.tag) };
    } catch (error) {
      throw (this.#reader as RecordReader).poison(error as SealwireError);
    }
  }

  /** The bytes have ended. @throws SealwireError `rejected` unless the final record came */
  end(): void {
    if (!this.done) throw rejected();
  }
}
