import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Acceptance,
  burnEarlier,
  concat,
  declaredLength,
  decodeBase64Url,
  decodeFieldSection,
  decodeRequestHead,
  type Field,
  headLength,
  isSealwireError,
  LengthCounter,
  type Maybe,
  type RequestHead,
  readRepeats,
  rejected,
  repeatField,
  SealwireError,
  type SealwireHeader,
  type Session,
} from '@sealwire/core';
import { recordRefusedExchange } from './audit.ts';
import type { Clients, KnownClient } from './clients.ts';
import { type Deadline, Deadlines } from './deadline.ts';
import { Hold, maxHeld } from './hold.ts';
import { checkFields, rewriteRequest, setTrailers } from './inner-request.ts';
import { MessageOpener, type OpenedRecord } from './message-opener.ts';
import type { Settings } from './options.ts';
import { checkOuter, checkTarget, isSurelyEmpty, waitsForContinue } from './outer-checks.ts';
import { type ProblemOptions, sendProblem } from './problem.ts';
import { RawBody } from './raw-body.ts';
import type { OuterHeaders } from './raw-headers.ts';
import { ResponseSeal } from './response.ts';
import type { Revocable } from './running.ts';
import { Sealed } from './sealed.ts';
import { inTime, isSession } from './store-answer.ts';
import { breakOff, failStream } from './stream-failure.ts';

export type Next = (error?: unknown) => void;

/** How a framework keeps the target of a request. */
export interface FrameworkRequest {
  /** The outer path with query, before any mounting took a part of it away. */
  outerUrl(req: IncomingMessage): string;
  /** The beginning of its path that has to be spelt as it was sealed, since mounting took it away; empty at the root. */
  mountPath(req: IncomingMessage): string;
  /** Makes this the path with query that the application sees. */
  setUrl(req: IncomingMessage, path: string): void;
}

/** How long the beginning of a sealed message may take, in milliseconds. */
const headDeadline = 15_000;
/** How long an application that heard of a damaged body may take to begin its answer, in milliseconds. */
const answerDeadline = 5_000;
/** Ciphertext that is kept while the session store takes its time, in bytes; then the sender waits. */
const maxPending = 65_536;

const headDeadlines = new Deadlines<Exchange>(headDeadline, (exchange) => exchange.headTooLate());
const answerDeadlines = new Deadlines<Exchange>(answerDeadline, (exchange) => exchange.answerTooLate());

/**
 * Where an exchange stands. `session` and `accept` wait for the store, `empty` for an http2 stream to prove that it
 * carries no body, `head` for record 0, `hold` for the rest of a small body; in `flow` the application has it.
 */
type Phase = 'session' | 'empty' | 'head' | 'accept' | 'hold' | 'flow' | 'over';

/**
 * One sealed request on its way to the application, in the order that docs/PROTOCOL.md, Order on the server, fixes:
 * header, session, record 0, accept, then target, time and fields, then hold or stream, then `next()`.
 */
export class Exchange implements Revocable {
  readonly #settings: Settings;
  readonly #framework: FrameworkRequest;
  readonly #req: IncomingMessage & { sealed?: Sealed };
  readonly #res: ServerResponse;
  readonly #next: Next;
  /** The application goes on where it called: what it keeps for a request (`AsyncLocalStorage`) is still there. */
  readonly #scope = new AsyncResource('sealwire');
  #phase: Phase = 'session';
  #header!: SealwireHeader;
  #session!: Session;
  /** What the application knows of the client. */
  #identity: unknown;
  /** True if the session was revoked before the exchange was accepted. */
  #revoked = false;
  #opener!: MessageOpener;
  #raw: RawBody | undefined;
  #headDeadline: Deadline<Exchange> | undefined;
  #rawEnded = false;
  /** What arrived while the store was asked. */
  #pending: Buffer[] = [];
  #pendingLength = 0;
  #head!: RequestHead;
  #length!: LengthCounter;
  #trailers: Field[] = [];
  readonly #hold = new Hold();
  #holdOver = false;
  /** True if an answer was under way when the body turned out to be damaged. */
  #answering = false;
  /** The listener that ends the waiting for a whole body. */
  #releaseAtAbort: (() => void) | undefined;
  #seal: ResponseSeal | undefined;
  /** For the record of a refusal: bytes that arrived, and when it began, by `performance.now()`. */
  #bytes = 0;
  readonly #began: number;

  constructor(
    settings: Settings,
    framework: FrameworkRequest,
    req: IncomingMessage,
    res: ServerResponse,
    next: Next,
  ) {
    this.#settings = settings;
    this.#framework = framework;
    this.#req = req;
    this.#res = res;
    this.#next = next;
    this.#began = settings.record === undefined ? 0 : performance.now();
  }

  /**
   * Begins with the headers; everything else follows from what arrives.
   * @throws SealwireError `parser-before-sealwire`
   */
  start(outer: OuterHeaders): void {
    try {
      this.#header = checkOuter(outer);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    const { store, now } = this.#settings;
    if (this.#req.readableDidRead) throw new SealwireError('parser-before-sealwire');
    if (this.#header.h === undefined) {
      if ('body' in this.#req) throw new SealwireError('parser-before-sealwire');
      if (outer.expectContinue && waitsForContinue(this.#req)) this.#res.writeContinue();
      this.#raw = new RawBody(this.#req, this);
    }
    this.#ask(
      () => store.load(this.#header.sid, now()),
      (session) => this.#withSession(session),
    );
  }

  get kid(): string {
    return this.#session.kid;
  }

  get client(): string | undefined {
    return this.#session.client;
  }

  get gone(): boolean {
    const { stream } = this.#req as { stream?: { destroyed: boolean } };
    return (
      (stream ?? this.#req.socket)?.destroyed !== false || (this.#phase === 'over' && this.#res.writableEnded)
    );
  }

  /** The session was revoked: what runs is broken off, and ends for the application as if the client were gone. */
  revoke(): void {
    if (this.#seal === undefined) {
      this.#revoked = true;
      return;
    }
    if (this.#phase !== 'flow') this.#phase = 'over';
    this.#hold.take();
    this.#stopWaiting();
    breakOff(this.#res);
  }

  /** The deadline of record 0 has come. */
  headTooLate(): void {
    if (this.#phase === 'head' || this.#phase === 'empty')
      this.#refuse(new SealwireError('timeout'), { close: true });
  }

  #endHeadDeadline(): void {
    if (this.#headDeadline !== undefined) headDeadlines.remove(this.#headDeadline);
    this.#headDeadline = undefined;
  }

  /** {@link RawBody} hands over bytes as they arrive; false asks it to wait. */
  bytes(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    return this.#take(chunk);
  }

  #take(chunk: Buffer): boolean {
    switch (this.#phase) {
      case 'session':
      case 'accept':
        this.#pending.push(chunk);
        this.#pendingLength += chunk.length;
        return this.#pendingLength < maxPending;
      case 'empty':
        this.#refuse(new SealwireError('malformed'));
        return true;
      case 'over':
        return true;
      default:
        this.#opener.push(chunk);
        return this.#readRecords();
    }
  }

  /** {@link RawBody} says that the bytes have ended. */
  end(): void {
    this.#rawEnded = true;
    // A store that answers at once lets the application have the empty body before it ends.
    if (this.#phase === 'empty') this.#openHeaderMessage();
    if (this.#phase === 'flow' && this.#opener.done) this.#endStream();
    else if (this.#phase === 'head' || this.#phase === 'hold' || this.#phase === 'flow')
      this.#damaged(rejected());
  }

  /** Goes on with the store's answer: at once, or `later` where it is promised. No answer in time is a refusal. */
  #ask<T>(ask: () => Maybe<T>, use: (answer: T) => void, later: (answer: T) => void = use): void {
    const unavailable = () => {
      // With the session there is a key to seal the refusal with.
      if (this.#phase === 'accept') this.#sealResponse();
      this.#unavailable();
    };
    let answer: Maybe<T>;
    try {
      answer = ask();
    } catch {
      unavailable();
      return;
    }
    if (isPromise(answer)) inTime(answer, later, unavailable);
    else use(answer);
  }

  #withSession(session: Session | undefined): void {
    if (session === undefined || session === null) {
      this.#refuse(new SealwireError('unknown-session'));
      return;
    }
    if (!isSession(session)) {
      this.#unavailable();
      return;
    }
    this.#session = session;
    this.#settings.revocation.running.add(this);
    this.#opener = new MessageOpener(session.master, this.#header.n);
    if (this.#raw !== undefined) {
      this.#phase = 'head';
      this.#headDeadline = headDeadlines.add(this);
      this.#raw.start();
      this.#readPending();
    } else if (isSurelyEmpty(this.#req)) {
      this.#openHeaderMessage();
    } else {
      this.#phase = 'empty';
      this.#headDeadline = headDeadlines.add(this);
      this.#raw = new RawBody(this.#req, this);
      this.#raw.start();
    }
  }

  /** A message in the header is one final record with a head and nothing behind it. */
  #openHeaderMessage(): void {
    let first: OpenedRecord;
    this.#phase = 'head';
    try {
      this.#opener.push(decodeBase64Url(this.#header.h as string));
      const record = this.#opener.next();
      this.#opener.next();
      if (record === undefined || !this.#opener.done) throw rejected();
      first = this.#openHead(record);
      if (first.pieces.length > 0) throw rejected();
    } catch {
      this.#refuse(rejected());
      return;
    }
    this.#accept(first);
  }

  /** Reads what arrived while the store was asked, then lets the sender go on. */
  #readPending(): void {
    let wantsMore = true;
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingLength = 0;
    for (const chunk of pending) wantsMore = this.#take(chunk);
    if (this.#rawEnded) this.end();
    else if (wantsMore && pending.length > 0) this.#raw?.wake();
  }

  /** Reads records as far as bytes and phase allow; false if the stream's consumer wants no more for now. */
  #readRecords(): boolean {
    let wantsMore = true;
    try {
      while (this.#phase === 'head' || this.#phase === 'hold' || this.#phase === 'flow') {
        const record = this.#opener.next();
        if (record === undefined) break;
        if (this.#phase === 'head') this.#accept(this.#openHead(record));
        else wantsMore = this.#takeBody(record);
      }
    } catch (error) {
      this.#damaged(error);
      return true;
    }
    if (this.#phase === 'hold') this.#releaseOrWait();
    return wantsMore;
  }

  /** Opens the head at the beginning of record 0 and returns the record without it. */
  #openHead({ kind, pieces }: OpenedRecord): OpenedRecord {
    const record = pieces.length === 1 ? (pieces[0] as Uint8Array) : concat(...pieces);
    const length = headLength(record);
    this.#head = decodeRequestHead(record.subarray(0, length));
    return { kind, pieces: length === record.length ? [] : [record.subarray(length)] };
  }

  #accept(first: OpenedRecord): void {
    const { store, now } = this.#settings;
    this.#phase = 'accept';
    this.#endHeadDeadline();
    const accept = () => store.accept(this.#header.sid, this.#header.n, now());
    const later = (answer: Acceptance) => {
      this.#accepted(answer, first);
      this.#readRecords();
      this.#readPending();
    };
    if (this.#head.fields.some(([name]) => name === repeatField)) this.#burnThen(accept, later);
    else this.#ask(accept, (answer) => this.#accepted(answer, first), later);
  }

  /** The request repeats earlier ones: they are burnt before it is accepted. */
  #burnThen(accept: () => Maybe<Acceptance>, later: (answer: Acceptance) => void): void {
    const { store, now } = this.#settings;
    const { method, fields } = this.#head;
    const burnt = async () => burnEarlier(store, readRepeats(fields), this.#header, method, now());
    const refuse = (error: unknown) => {
      // The path could not have made these bytes: it hears nothing of what is wrong with them.
      this.#sealResponse();
      this.#refuse(isSealwireError(error) ? error : new SealwireError('unavailable'));
    };
    const settled = burnt().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    inTime(
      settled,
      (failure) => (failure === undefined ? this.#ask(accept, later) : refuse(failure.error)),
      () => refuse(new SealwireError('unavailable')),
    );
  }

  /** From here on every answer is sealed. */
  #accepted(answer: Acceptance, first: OpenedRecord): void {
    if (answer === 'unknown' || this.#revoked) {
      this.#refuse(new SealwireError('unknown-session'));
      return;
    }
    this.#sealResponse();
    if (answer !== 'accepted') {
      if (answer === 'replayed') this.#refuse(new SealwireError('replayed'));
      else this.#unavailable();
      return;
    }
    const { clients } = this.#settings;
    if (clients === undefined) this.#begin(first);
    else this.#identify(clients, first);
  }

  /** Finds out who the client is, at once unless it did its handshake elsewhere. */
  #identify(clients: Clients, first: OpenedRecord): void {
    const { client } = this.#session;
    const known = client === undefined ? undefined : clients.recall(client);
    const go = (found: KnownClient | undefined) => {
      this.#identity = found?.identity;
      if (found === undefined) this.#refuse(new SealwireError('client-refused'));
      else this.#begin(first);
    };
    if (!isPromise(known)) {
      go(known);
      return;
    }
    const unlessOver = (next: () => void) => {
      if (this.#phase === 'accept') next();
    };
    known.then(
      (found) =>
        unlessOver(() => {
          go(found);
          this.#readRecords();
          this.#readPending();
        }),
      () => unlessOver(() => this.#unavailable()),
    );
  }

  #begin(first: OpenedRecord): void {
    try {
      this.#enter();
      this.#takeBody(first);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (this.#header.h !== undefined) this.#release();
  }

  #sealResponse(): void {
    this.#seal = new ResponseSeal(this.#res, {
      master: this.#session.master,
      n: this.#header.n,
      nonceQ: this.#opener.nonce,
      method: this.#head.method,
      sealCookies: this.#settings.sealCookies,
      owner: this,
    });
  }

  /** Target, time, fields, limits; then the request reads as the sealed head says. */
  #enter(): void {
    const { sealedFields, origins, forwarding, now } = this.#settings;
    const head = this.#head;
    const url = this.#framework.outerUrl(this.#req);
    const mountPath = this.#framework.mountPath(this.#req);
    const path = checkTarget(head, this.#req, { url, mountPath }, origins, forwarding);
    const fields = checkFields(head.fields, sealedFields, now());
    const declared = declaredLength(fields);
    const framed = declared !== undefined || this.#header.h !== undefined;
    this.#length = new LengthCounter(declared);
    this.#holdOver = declared !== undefined && declared > maxHeld;

    rewriteRequest(this.#req, path === head.path ? head : { ...head, path }, fields, sealedFields, framed);
    if (url !== path) this.#framework.setUrl(this.#req, path);
    this.#req.sealed = new Sealed(this.#header.sid, this.#session, this.#header.n, this.#identity);
    this.#phase = 'hold';
  }

  /** Counts the body bytes of a record and holds or delivers them; false if the consumer wants no more for now. */
  #takeBody({ kind, pieces }: OpenedRecord): boolean {
    if (kind === 'padding') return true;
    if (kind === 'trailers') this.#trailers = decodeFieldSection(concat(...pieces));
    else for (const piece of pieces) this.#length.add(piece.length);
    if (this.#opener.done) this.#length.end();
    if (kind === 'trailers') return true;
    if (this.#phase === 'flow') return (this.#raw as RawBody).deliver(pieces);
    for (const piece of pieces) if (!this.#hold.add(piece)) this.#holdOver = true;
    return true;
  }

  #releaseOrWait(): void {
    if (this.#holdOver || this.#opener.done) {
      this.#release();
      return;
    }
    // Every chunk comes here: the listener is added with the timer, once.
    if (!this.#hold.wait(() => this.#release())) return;
    this.#releaseAtAbort = () => {
      if (this.#phase === 'hold') this.#release();
    };
    this.#req.once('aborted', this.#releaseAtAbort);
  }

  /** Hands what was held to the application and lets it run. */
  #release(): void {
    this.#phase = 'flow';
    const aborted = this.#req.destroyed;
    this.#stopWaiting();
    this.#raw?.deliver(this.#hold.take());
    this.#scope.runInAsyncScope(this.#next);
    // The application comes too late for an event that it would have seen.
    if (aborted) this.#req.emit('aborted');
  }

  #stopWaiting(): void {
    if (this.#releaseAtAbort !== undefined) this.#req.removeListener('aborted', this.#releaseAtAbort);
  }

  #endStream(): void {
    this.#phase = 'over';
    if (this.#res.writableEnded) this.#settings.revocation.running.delete(this);
    setTrailers(this.#req, this.#trailers);
    (this.#raw as RawBody).end();
  }

  /** What does not authenticate is a refusal as long as the application has not begun, then an error of its stream. */
  #damaged(error: unknown): void {
    if (this.#phase !== 'flow') {
      this.#refuse(error);
      return;
    }
    this.#phase = 'over';
    this.#record(rejected());
    process.nextTick(() => {
      this.#answering = this.#res.headersSent;
      const heard = failStream(this.#req, this.#res, rejected());
      if (heard) answerDeadlines.add(this);
      else this.#answerForNobody();
      if (this.#rawEnded) this.#raw?.end();
      else this.#raw?.discard();
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
    this.#seal?.silence();
  }

  #unavailable(): void {
    this.#refuse(new SealwireError('unavailable'), { retryAfter: 1 });
  }

  /** Answers instead of the application: sealed if the exchange was accepted, else a plaintext hint. */
  #refuse(error: unknown, options?: ProblemOptions): void {
    this.#phase = 'over';
    this.#settings.revocation.running.delete(this);
    this.#endHeadDeadline();
    this.#hold.take();
    this.#stopWaiting();
    if (this.#rawEnded) this.#raw?.end();
    else this.#raw?.discard();
    if (!isSealwireError(error)) {
      this.#scope.runInAsyncScope(this.#next, undefined, error);
      return;
    }
    // What is cut short looks like what was altered: one error for all that does not authenticate.
    const problem = error.code === 'truncated' ? rejected() : error;
    this.#record(problem);
    const time = error.code === 'expired' ? { members: { time: this.#settings.now() } } : {};
    sendProblem(this.#res, problem, { ...options, ...time });
  }

  /** Puts a refusal on record. Who breaks off is not refused. */
  #record({ code }: SealwireError): void {
    const { record } = this.#settings;
    if (record === undefined || this.#req.aborted) return;
    // It may have been refused before there was a header that can be read, or a session.
    const header: SealwireHeader | undefined = this.#header;
    const session: Session | undefined = this.#session;
    recordRefusedExchange(record, code, {
      sid: header?.sid,
      session,
      bytes: this.#bytes,
      began: this.#began,
    });
  }

  /** A body that the application did not read must not stand in the way of the connection's next request. */
  responseEnds(): void {
    const { running } = this.#settings.revocation;
    // What was answered and came whole cannot be broken off any more.
    if (this.#raw === undefined || this.#phase === 'over') running.delete(this);
    if (this.#raw === undefined || this.#req.readableEnded) return;
    // The response of http2's compatibility API says `finish` when its stream is closed, which an unread body prevents.
    const writable = (this.#res as unknown as { stream?: ServerResponse }).stream ?? this.#res;
    writable.once('finish', () => {
      if (this.#phase === 'over') {
        running.delete(this);
        // It came whole. What Sealwire read of it keeps Node from throwing away what nobody else does.
        if (this.#req.readableFlowing === null) this.#req.resume();
        return;
      }
      // Who answers first and then reads gets the rest.
      if (this.#phase === 'flow' && isRead(this.#req)) return;
      this.#phase = 'over';
      running.delete(this);
      if (this.#rawEnded) this.#raw?.end();
      else this.#raw?.discard();
    });
  }
}

/** True if somebody takes the body of a request, if perhaps not at this moment. */
function isRead(req: IncomingMessage): boolean {
  return !req.destroyed && (req.listenerCount('data') > 0 || req.listenerCount('readable') > 0);
}

/** Also one of a library of its own, which is no `Promise`. */
function isPromise<T>(value: Maybe<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
