import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { concat, decodeFieldSection, type Field, LengthCounter, rejected } from '@sealwire/core';
import { Deadlines } from './deadline.ts';
import { Hold, maxHeld } from './hold.ts';
import { setTrailers } from './inner-request.ts';
import type { MessageOpener, OpenedRecord } from './message-opener.ts';
import { sendProblem } from './problem.ts';
import type { RawBody } from './raw-body.ts';
import type { ResponseSeal } from './response.ts';
import { breakOff, failStream } from './stream-failure.ts';

export type Next = (error?: unknown) => void;

/** Whose body it is. */
export interface DeliveryOwner {
  /** Answers instead of the application, which has not begun. */
  refuse(error: unknown): void;
  /** The body did not authenticate after the application had begun. */
  damaged(): void;
  /** Nothing of the exchange runs any more. */
  over(): void;
}

/** How long an application that heard of a damaged body may take to begin its answer, in milliseconds. */
const answerDeadline = 5_000;

const answerDeadlines = new Deadlines<Delivery>(answerDeadline, (delivery) => delivery.answerTooLate());

/** `early`: the request was not accepted yet; `hold`: its body is small and kept back; `flow`: the application has it. */
type Phase = 'early' | 'hold' | 'flow' | 'over';

/** The plaintext of a request on its way to the application, and what becomes of the exchange once it runs. */
export class Delivery {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #next: Next;
  readonly #owner: DeliveryOwner;
  /** The application goes on where it called: what it keeps for a request (`AsyncLocalStorage`) is still there. */
  readonly #scope = new AsyncResource('sealwire');
  #phase: Phase = 'early';
  #opener!: MessageOpener;
  #length!: LengthCounter;
  #trailers: Field[] = [];
  readonly #hold = new Hold();
  #holdOver = false;
  /** True if an answer was under way when the body turned out to be damaged. */
  #answering = false;
  /** The listener that ends the waiting for a whole body. */
  #releaseAtAbort: (() => void) | undefined;
  /** Where the bytes come from; none if the message is in the header. */
  raw: RawBody | undefined;
  /** True if all bytes have come. */
  rawEnded = false;
  /** Seals the response; there as soon as the request is accepted. */
  seal: ResponseSeal | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, next: Next, owner: DeliveryOwner) {
    this.#req = req;
    this.#res = res;
    this.#next = next;
    this.#owner = owner;
  }

  get over(): boolean {
    return this.#phase === 'over';
  }

  /** From here on records are body. @param declared its length in bytes, if the head says one */
  begin(opener: MessageOpener, declared: number | undefined): void {
    this.#opener = opener;
    this.#length = new LengthCounter(declared);
    this.#holdOver = declared !== undefined && declared > maxHeld;
    this.#phase = 'hold';
  }

  /** Takes bytes as they arrive; false asks to wait. */
  bytes(chunk: Uint8Array): boolean {
    if (this.#phase === 'over') return true;
    this.#opener.push(chunk);
    return this.read();
  }

  /** Reads records as far as there are bytes; false if the stream's consumer wants no more for now. */
  read(): boolean {
    let wantsMore = true;
    try {
      while (this.#phase === 'hold' || this.#phase === 'flow') {
        const record = this.#opener.next();
        if (record === undefined) break;
        wantsMore = this.take(record);
      }
    } catch (error) {
      this.#damaged(error);
      return true;
    }
    if (this.#phase === 'hold') this.#releaseOrWait();
    return wantsMore;
  }

  /** All bytes have come. */
  end(): void {
    if (this.#phase === 'flow' && this.#opener.done) this.#endStream();
    else if (this.#phase !== 'over') this.#damaged(rejected());
  }

  /** Counts the body bytes of a record and holds or delivers them; false if the consumer wants no more for now. */
  take({ kind, pieces }: OpenedRecord): boolean {
    if (kind === 'padding') return true;
    if (kind === 'trailers') this.#trailers = decodeFieldSection(concat(...pieces));
    else for (const piece of pieces) this.#length.add(piece.length);
    if (this.#opener.done) this.#length.end();
    if (kind === 'trailers') return true;
    if (this.#phase === 'flow') return (this.raw as RawBody).deliver(pieces);
    for (const piece of pieces) if (!this.#hold.add(piece)) this.#holdOver = true;
    return true;
  }

  #releaseOrWait(): void {
    if (this.#holdOver || this.#opener.done) {
      this.release();
      return;
    }
    // Every chunk comes here: the listener is added with the timer, once.
    if (!this.#hold.wait(() => this.release())) return;
    this.#releaseAtAbort = () => {
      if (this.#phase === 'hold') this.release();
    };
    this.#req.once('aborted', this.#releaseAtAbort);
  }

  /** Hands what was held to the application and lets it run. */
  release(): void {
    this.#phase = 'flow';
    const aborted = this.#req.destroyed;
    this.#stopWaiting();
    this.raw?.deliver(this.#hold.take());
    this.#scope.runInAsyncScope(this.#next);
    // The application comes too late for an event that it would have seen.
    if (aborted) this.#req.emit('aborted');
  }

  #stopWaiting(): void {
    if (this.#releaseAtAbort !== undefined) this.#req.removeListener('aborted', this.#releaseAtAbort);
  }

  #endStream(): void {
    this.#phase = 'over';
    if (this.#res.writableEnded) this.#owner.over();
    setTrailers(this.#req, this.#trailers);
    (this.raw as RawBody).end();
  }

  /** What does not authenticate is a refusal as long as the application has not begun, then an error of its stream. */
  #damaged(error: unknown): void {
    if (this.#phase !== 'flow') {
      this.#owner.refuse(error);
      return;
    }
    this.#phase = 'over';
    this.#owner.damaged();
    process.nextTick(() => {
      this.#answering = this.#res.headersSent;
      const heard = failStream(this.#req, this.#res, rejected());
      if (heard) answerDeadlines.add(this);
      else this.#answerForNobody();
      this.#endRaw();
    });
  }

  /** Without Sealwire a failed request has lost its client, so many who hear of it do not answer. */
  answerTooLate(): void {
    if (this.#res.writableEnded || this.#res.destroyed) return;
    if (this.#answering || !this.#res.headersSent) this.#answerForNobody();
  }

  /** No one listens to the request's stream, so no one may answer; whoever does it later does no harm. */
  #answerForNobody(): void {
    if (this.#res.headersSent) {
      breakOff(this.#res);
      return;
    }
    this.#res.once('finish', () => this.#req.destroy());
    sendProblem(this.#res, rejected(), { close: true });
    this.seal?.silence();
  }

  /** The application gets none of it: somebody else answers. */
  abandon(): void {
    this.#phase = 'over';
    this.#hold.take();
    this.#stopWaiting();
    this.#endRaw();
  }

  /** Gives an error that is not Sealwire's to the application. */
  fail(error: unknown): void {
    this.#scope.runInAsyncScope(this.#next, undefined, error);
  }

  /** For the application it is as if the client were gone. */
  breakOff(): void {
    if (this.#phase !== 'flow') this.#phase = 'over';
    this.#hold.take();
    this.#stopWaiting();
    breakOff(this.#res);
  }

  #endRaw(): void {
    if (this.rawEnded) this.raw?.end();
    else this.raw?.discard();
  }

  /** A body that the application did not read must not stand in the way of the connection's next request. */
  responseEnds(): void {
    // What was answered and came whole cannot be broken off any more.
    if (this.raw === undefined || this.#phase === 'over') this.#owner.over();
    if (this.raw === undefined || this.#req.readableEnded) return;
    // The response of http2's compatibility API says `finish` when its stream is closed, which an unread body prevents.
    const writable = (this.#res as unknown as { stream?: ServerResponse }).stream ?? this.#res;
    writable.once('finish', () => {
      if (this.#phase === 'over') {
        this.#owner.over();
        // It came whole. What Sealwire read of it keeps Node from throwing away what nobody else does.
        if (this.#req.readableFlowing === null) this.#req.resume();
        return;
      }
      // Who answers first and then reads gets the rest.
      if (this.#phase === 'flow' && isRead(this.#req)) return;
      this.#phase = 'over';
      this.#owner.over();
      this.#endRaw();
    });
  }
}

/** True if somebody takes the body of a request, if perhaps not at this moment. */
function isRead(req: IncomingMessage): boolean {
  return !req.destroyed && (req.listenerCount('data') > 0 || req.listenerCount('readable') > 0);
}
