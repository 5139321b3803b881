import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

const nativePush = Readable.prototype.push;
const rawBodyKey = Symbol('sealwire.request');

type TakenRequest = IncomingMessage & { [rawBodyKey]: RawBody };

/** Who gets the bytes of a request instead of its stream. */
export interface RawBodyReader {
  /** Returns false to ask the sender to wait; {@link RawBody.wake} ends that. */
  bytes(chunk: Buffer): boolean;
  /** The bytes have ended. Nothing reaches the stream's consumer before {@link RawBody.end} is called. */
  end(): void;
}

/**
 * Takes the bytes of a request before its stream sees them, and lets others be put in their place. Express, Koa,
 * multer and busboy hold on to the request object, so it stays the same one: `push` is overridden on the instance.
 */
export class RawBody {
  readonly #req: TakenRequest;
  readonly #reader: RawBodyReader;
  #discarding = false;
  /** True if the message had ended before, so that its stream would emit `end` as soon as it is empty. */
  readonly #endedBefore: boolean;

  constructor(message: IncomingMessage, reader: RawBodyReader) {
    const req = message as TakenRequest;
    this.#req = req;
    this.#reader = reader;
    this.#endedBefore = req.complete && req.httpVersionMajor < 2;
    req[rawBodyKey] = this;
    req.push = push;
    // http2 begins to hand over a body when it is first read.
    if (req.httpVersionMajor >= 2) req.read(0);
  }

  /** What Node pushes: bytes as they arrived, or null at their end. */
  take(chunk: Buffer | null): boolean {
    if (chunk !== null) return this.#discarding || this.#reader.bytes(chunk);
    if (this.#discarding) nativePush.call(this.#req, null);
    else this.#reader.end();
    return false;
  }

  /** Feeds the reader with what had arrived before; call it once, when the reader is ready. */
  start(): void {
    const reader = this.#reader;
    const early = this.#drain();
    if (early !== null) reader.bytes(early);
    if (this.#endedBefore) reader.end();
  }

  /** Hands plaintext to the stream. Returns false if its consumer wants no more for now. */
  deliver(pieces: readonly Uint8Array[]): boolean {
    let wantsMore = true;
    if (this.#endedBefore) {
      for (const piece of pieces.toReversed()) if (piece.length > 0) this.#req.unshift(piece);
      return true;
    }
    for (const piece of pieces) if (piece.length > 0) wantsMore = nativePush.call(this.#req, piece);
    return wantsMore;
  }

  /** Lets the stream end. */
  end(): void {
    if (!this.#endedBefore) nativePush.call(this.#req, null);
  }

  /** Reads on after `bytes` returned false. */
  wake(): void {
    // `read()` would not do: the stream believes that a read is under way as long as nothing was pushed into it.
    // Leaving a `for await` or a failed pipeline takes the socket away from the request.
    if (this.#req.socket !== null) this.#req._read(0);
  }

  /** Throws away what is still to come, so that the connection can carry the next request. */
  discard(): void {
    if (this.#discarding) return;
    this.#discarding = true;
    this.#req.resume();
    this.wake();
  }

  #drain(): Buffer | null {
    // Exactly as much as there is: to read beyond would let a message that has ended emit `end`, before its consumer
    // listens.
    const { readableLength } = this.#req;
    return readableLength > 0 ? this.#req.read(readableLength) : null;
  }
}

/** The same function for every request, as the methods of a sealed response are. */
function push(this: TakenRequest, chunk: Buffer | null): boolean {
  return this[rawBodyKey].take(chunk);
}
