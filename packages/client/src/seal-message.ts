import {
  aeadSeal,
  concat,
  type MessageKeys,
  maxRecordPlaintext,
  messageNonceLength,
  type RecordKind,
  RecordWriter,
  randomNonce,
  requestKeys,
} from '@sealwire/core';
import { collected, isLong, type StreamBody, streamOf, type WholeBody } from './body.ts';
import type { LiveSession } from './session.ts';

/** A request message: its nonce, which the response keys need, and its bytes. */
export interface SealedMessage<T> {
  readonly nonce: Uint8Array;
  readonly message: T;
}

type Piece = Uint8Array<ArrayBuffer>;

/** Seals the records of one message in order, whatever each waits for. */
class Sealer {
  readonly #keys: MessageKeys;
  readonly #records: RecordWriter;
  /** What goes before the ciphertext of the first record: the nonce; and before its plaintext: the head. */
  #front: Uint8Array | undefined;
  #head: Uint8Array | undefined;

  constructor(keys: MessageKeys, nonce: Uint8Array, head: Uint8Array) {
    this.#keys = keys;
    this.#records = new RecordWriter(keys.baseNonce);
    this.#front = nonce;
    this.#head = head;
  }

  /** How much body the next record takes. */
  get room(): number {
    return maxRecordPlaintext - (this.#head?.length ?? 0);
  }

  async record(body: Uint8Array, kind: RecordKind): Promise<Piece> {
    const parts = this.#head === undefined ? [body] : [this.#head, body];
    const { header, nonce } = this.#records.next(
      kind,
      parts.reduce((sum, { length }) => sum + length, 0),
    );
    const front = this.#front === undefined ? [header] : [this.#front, header];
    this.#head = undefined;
    this.#front = undefined;
    return concat(...front, ...(await aeadSeal(this.#keys.key, nonce, header, parts)));
  }
}

async function begin(
  session: LiveSession,
  n: number,
  head: Uint8Array,
): Promise<{ nonce: Uint8Array; sealer: Sealer }> {
  const nonce = randomNonce(messageNonceLength);
  return { nonce, sealer: new Sealer(await requestKeys(session.master, n, nonce), nonce, head) };
}

/** A message without a body, for the `Sealwire` header. */
export async function sealHead(
  session: LiveSession,
  n: number,
  head: Uint8Array,
): Promise<SealedMessage<Piece>> {
  const { nonce, sealer } = await begin(session, n, head);
  return { nonce, message: await sealer.record(new Uint8Array(), 'final') };
}

/**
 * A message whose body is known as a whole; a long one becomes a Blob, built record by record.
 * @throws the reason of the signal, as soon as it aborts
 */
export async function sealWhole(
  session: LiveSession,
  n: number,
  head: Uint8Array,
  body: WholeBody,
  signal: AbortSignal | undefined,
): Promise<SealedMessage<Piece | Blob>> {
  const length = body.kind === 'bytes' ? body.bytes.length : body.blob.size;
  if (isLong(body)) {
    const { nonce, message } = await sealStream(session, n, head, streamOf(body), () => {});
    return { nonce, message: await collected(message, signal) };
  }
  const { nonce, sealer } = await begin(session, n, head);
  const pieces: Piece[] = [];
  let offset = 0;
  do {
    const end = Math.min(length, offset + sealer.room);
    const part =
      body.kind === 'bytes' ? body.bytes.subarray(offset, end) : await readBlob(body.blob, offset, end);
    offset = end;
    pieces.push(await sealer.record(part, offset === length ? 'final' : 'more'));
  } while (offset < length);
  return { nonce, message: pieces.length === 1 ? (pieces[0] as Piece) : new Blob(pieces) };
}

async function readBlob(blob: Blob, start: number, end: number): Promise<Uint8Array> {
  return new Uint8Array(await blob.slice(start, end).arrayBuffer());
}

/** A message whose body is a stream: sealed as the platform asks for it, a record for each chunk. */
export async function sealStream(
  session: LiveSession,
  n: number,
  head: Uint8Array,
  { stream, trailers }: StreamBody,
  sent: (length: number) => void,
): Promise<SealedMessage<ReadableStream<Piece>>> {
  const { nonce, sealer } = await begin(session, n, head);
  const reader = stream.getReader();
  let chunk: Uint8Array = new Uint8Array();
  let headSent = false;
  const message = new ReadableStream<Piece>(
    {
      async pull(controller) {
        if (!headSent) {
          // The server can look at the head before there is a body.
          headSent = true;
          controller.enqueue(await sealer.record(new Uint8Array(), 'more'));
          return;
        }
        while (chunk.length === 0) {
          const { done, value } = await reader.read();
          if (done) {
            const end = trailers?.();
            controller.enqueue(await sealer.record(end ?? new Uint8Array(), end ? 'trailers' : 'final'));
            controller.close();
            return;
          }
          if (!(value instanceof Uint8Array)) throw new TypeError('A stream body yields Uint8Arrays.');
          chunk = value;
        }
        const part = chunk.subarray(0, maxRecordPlaintext);
        chunk = chunk.subarray(part.length);
        controller.enqueue(await sealer.record(part, 'more'));
        sent(part.length);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { nonce, message };
}
