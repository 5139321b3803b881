import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Acceptance,
  burnEarlier,
  concat,
  declaredLength,
  decodeBase64Url,
  decodeRequestHead,
  headLength,
  isSealwireError,
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
import { Delivery, type DeliveryOwner, type Next } from './delivery.ts';
import { checkFields, rewriteRequest } from './inner-request.ts';
import { MessageOpener, type OpenedRecord } from './message-opener.ts';
import type { Settings } from './options.ts';
import { checkOuter, checkTarget, isSurelyEmpty, waitsForContinue } from './outer-checks.ts';
import { type ProblemOptions, sendProblem } from './problem.ts';
import { RawBody } from './raw-body.ts';
import type { OuterHeaders } from './raw-headers.ts';
import { ResponseSeal } from './response.ts';
import type { Revocable } from './running.ts';
import { Sealed } from './sealed.ts';
import { askStore, inTime, isPromise, isSession } from './store-answer.ts';

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
/** Ciphertext that is kept while the session store takes its time, in bytes; then the sender waits. */
const maxPending = 65_536;

const headDeadlines = new Deadlines<Exchange>(headDeadline, (exchange) => exchange.headTooLate());

/**
 * Where an exchange stands. `session` and `accept` wait for the store, `empty` for an http2 stream to prove that it
 * carries no body, `head` for record 0; then its body is delivered.
 */
type Phase = 'session' | 'empty' | 'head' | 'accept' | 'delivery' | 'over';

/**
 * One sealed request on its way to the application, in the order that docs/PROTOCOL.md, Order on the server, fixes:
 * header, session, record 0, accept, then target, time and fields; then {@link Delivery}: hold or stream, `next()`.
 */
export class Exchange implements Revocable, DeliveryOwner {
  readonly #settings: Settings;
  readonly #framework: FrameworkRequest;
  readonly #req: IncomingMessage & { sealed?: Sealed };
  readonly #res: ServerResponse;
  readonly #delivery: Delivery;
  #phase: Phase = 'session';
  #header!: SealwireHeader;
  #session!: Session;
  /** What the application knows of the client. */
  #identity: unknown;
  /** True if the session was revoked before the exchange was accepted. */
  #revoked = false;
  #opener!: MessageOpener;
  #headDeadline: Deadline<Exchange> | undefined;
  /** What arrived while the store was asked. */
  #pending: Buffer[] = [];
  #pendingLength = 0;
  #head!: RequestHead;
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
    this.#delivery = new Delivery(req, res, next, this);
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
      this.refuse(error);
      return;
    }
    const { store, now } = this.#settings;
    if (this.#req.readableDidRead) throw new SealwireError('parser-before-sealwire');
    if (this.#header.h === undefined) {
      if ('body' in this.#req) throw new SealwireError('parser-before-sealwire');
      if (outer.expectContinue && waitsForContinue(this.#req)) this.#res.writeContinue();
      this.#delivery.raw = new RawBody(this.#req, this);
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
      (stream ?? this.#req.socket)?.destroyed !== false || (this.#delivery.over && this.#res.writableEnded)
    );
  }

  /** The session was revoked: what runs is broken off, and ends for the application as if the client were gone. */
  revoke(): void {
    if (this.#delivery.seal === undefined) {
      this.#revoked = true;
      return;
    }
    if (this.#phase !== 'delivery') this.#phase = 'over';
    this.#delivery.breakOff();
  }

  /** The deadline of record 0 has come. */
  headTooLate(): void {
    if (this.#phase === 'head' || this.#phase === 'empty')
      this.refuse(new SealwireError('timeout'), { close: true });
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
        this.refuse(new SealwireError('malformed'));
        return true;
      case 'over':
        return true;
      case 'delivery':
        return this.#delivery.bytes(chunk);
      default:
        this.#opener.push(chunk);
        return this.#readRecords();
    }
  }

  /** {@link RawBody} says that the bytes have ended. */
  end(): void {
    this.#delivery.rawEnded = true;
    // A store that answers at once lets the application have the empty body before it ends.
    if (this.#phase === 'empty') this.#openHeaderMessage();
    if (this.#phase === 'delivery') this.#delivery.end();
    else if (this.#phase === 'head') this.refuse(rejected());
  }

  #ask<T>(ask: () => Maybe<T>, use: (answer: T) => void, later?: (answer: T) => void): void {
    const unavailable = () => {
      // With the session there is a key to seal the refusal with.
      if (this.#phase === 'accept') this.#sealResponse();
      this.#unavailable();
    };
    askStore(ask, unavailable, use, later);
  }

  #withSession(session: Session | undefined): void {
    if (session === undefined || session === null) {
      this.refuse(new SealwireError('unknown-session'));
      return;
    }
    if (!isSession(session)) {
      this.#unavailable();
      return;
    }
    this.#session = session;
    this.#settings.revocation.running.add(this);
    this.#opener = new MessageOpener(session.master, this.#header.n);
    const { raw } = this.#delivery;
    if (raw !== undefined) {
      this.#phase = 'head';
      this.#headDeadline = headDeadlines.add(this);
      raw.start();
      this.#readPending();
    } else if (isSurelyEmpty(this.#req)) {
      this.#openHeaderMessage();
    } else {
      this.#phase = 'empty';
      this.#headDeadline = headDeadlines.add(this);
      this.#delivery.raw = new RawBody(this.#req, this);
      this.#delivery.raw.start();
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
      this.refuse(rejected());
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
    if (this.#delivery.rawEnded) this.end();
    else if (wantsMore && pending.length > 0) this.#delivery.raw?.wake();
  }

  /** Reads the head, then what follows; false if the stream's consumer wants no more for now. */
  #readRecords(): boolean {
    if (this.#phase === 'head') {
      try {
        const record = this.#opener.next();
        if (record !== undefined) this.#accept(this.#openHead(record));
      } catch (error) {
        this.refuse(error);
      }
    }
    // It may have been accepted at once.
    return (this.#phase as Phase) === 'delivery' ? this.#delivery.read() : true;
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
      this.refuse(isSealwireError(error) ? error : new SealwireError('unavailable'));
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
      this.refuse(new SealwireError('unknown-session'));
      return;
    }
    this.#sealResponse();
    if (answer !== 'accepted') {
      if (answer === 'replayed') this.refuse(new SealwireError('replayed'));
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
      if (found === undefined) this.refuse(new SealwireError('client-refused'));
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
      this.#delivery.take(first);
    } catch (error) {
      this.refuse(error);
      return;
    }
    if (this.#header.h !== undefined) this.#delivery.release();
  }

  #sealResponse(): void {
    this.#delivery.seal = new ResponseSeal(this.#res, {
      master: this.#session.master,
      n: this.#header.n,
      nonceQ: this.#opener.nonce,
      method: this.#head.method,
      sealCookies: this.#settings.sealCookies,
      owner: this.#delivery,
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

    rewriteRequest(this.#req, path === head.path ? head : { ...head, path }, fields, sealedFields, framed);
    if (url !== path) this.#framework.setUrl(this.#req, path);
    this.#req.sealed = new Sealed(this.#header.sid, this.#session, this.#header.n, this.#identity);
    this.#delivery.begin(this.#opener, declared);
    this.#phase = 'delivery';
  }

  #unavailable(): void {
    this.refuse(new SealwireError('unavailable'), { retryAfter: 1 });
  }

  /** Answers instead of the application: sealed if the exchange was accepted, else a plaintext hint. */
  refuse(error: unknown, options?: ProblemOptions): void {
    this.#phase = 'over';
    this.over();
    this.#endHeadDeadline();
    this.#delivery.abandon();
    if (!isSealwireError(error)) {
      this.#delivery.fail(error);
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

  damaged(): void {
    this.#record(rejected());
  }

  over(): void {
    this.#settings.revocation.running.delete(this);
  }
}
