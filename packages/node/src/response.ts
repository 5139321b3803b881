import {
  type OutgoingHttpHeaders,
  type ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import {
  encodeFieldSection,
  encodeResponseHead,
  type Field,
  type MasterKey,
  messageNonceLength,
  randomNonce,
  reasonField,
  responseKeys,
  SealwireError,
  usualReason,
} from '@sealwire/core';
import { MessageWriter } from './message-writer.ts';
import {
  asHttp2Sends,
  foldHeaders,
  forgetHeaders,
  hasBody,
  keepsHeaders,
  outerStatus,
  sealedFields,
  trimmed,
  withOuterFields,
} from './outer-head.ts';
import {
  bytesOf,
  type Callback,
  callbackOf,
  isNothing,
  lengthMismatch,
  phraseOf,
} from './response-arguments.ts';
import {
  type NativeMethods,
  type SealedResponse,
  type SealingMethods,
  sealMethods,
} from './response-methods.ts';

/** What a response is sealed under. */
export interface ResponseSealOptions {
  readonly master: MasterKey;
  readonly n: number;
  readonly nonceQ: Uint8Array;
  /** The sealed method of the request. */
  readonly method: string;
  /** True if `set-cookie` is sealed, too. */
  readonly sealCookies: boolean;
  readonly owner: ResponseOwner;
}

export interface ResponseOwner {
  /** The application ends the response. */
  responseEnds(): void;
}

const nothing = new Uint8Array();

/**
 * Seals a response in place: the application's `writeHead`, `write` and `end` seal synchronously and call the methods
 * that were there before, so that errors, back-pressure, callbacks and events stay Node's own. The head is decided
 * once, in `writeHead`, which Node calls for every way to begin a response.
 */
export class ResponseSeal implements SealingMethods {
  readonly #res: SealedResponse;
  readonly #options: ResponseSealOptions;
  readonly #http2: boolean;
  readonly #native: NativeMethods;
  #writer: MessageWriter | undefined;
  #bodyAllowed = true;
  /** True while a native method runs that was given ciphertext: http2's `end` calls `write`. */
  #sealing = false;
  /** True while `write` or `end` begin the response: what they seal carries the head. */
  #beginning = false;
  /** Length of the whole body while `end` begins the response. */
  #wholeLength: number | undefined;
  /** Bytes of the body so far, and how many the application announced, if it did. */
  #written = 0;
  #announced = Number.NaN;
  #trailers: Field[] | undefined;
  #ownProblem = false;
  #headTooLarge = false;
  /** True if the response was given, and the application does not know it yet. */
  #silenced = false;

  constructor(response: ServerResponse, options: ResponseSealOptions) {
    const res = response as SealedResponse;
    this.#res = res;
    this.#options = options;
    this.#http2 = 'stream' in res;
    this.#native = sealMethods(res, this);
  }

  allowProblem(): void {
    this.#ownProblem = true;
  }

  /** From now on the response takes whatever the application gives it, as one does whose connection is gone. */
  silence(): void {
    const res = this.#res;
    this.#silenced = true;
    Object.defineProperty(res, 'headersSent', { value: false, configurable: true });
    res.setHeader = () => res;
    res.setHeaders = () => res;
    res.appendHeader = () => res;
    res.removeHeader = () => {};
  }

  writeHead(status: number, rest: unknown[]): SealedResponse {
    const res = this.#res;
    if (this.#silenced) return res;
    // Over http2 none at all is 200.
    const code = this.#http2 ? status | 0 || 200 : status | 0;
    const [least, most] = this.#http2 ? [200, 599] : [100, 999];
    // What Node refuses, Node refuses in its own words.
    if (this.#sealing || res.headersSent || this.#streamIsGone() || code < least || code > most) {
      return this.#native.writeHead.call(res, status, ...rest);
    }
    const [reason, headers] = typeof rest[0] === 'string' ? rest : [undefined, rest[1] ?? rest[0]];
    if (!this.#http2) {
      res.statusMessage = (reason as string | undefined) ?? (res.statusMessage || phraseOf(code));
      res.statusCode = code;
    }
    const keeps = keepsHeaders(res);
    try {
      if (headers !== undefined && headers !== null) foldHeaders(res, headers as OutgoingHttpHeaders, keeps);
      this.#sealHead(code);
    } finally {
      if (!keeps) forgetHeaders(res);
    }
    return res;
  }

  write(chunk: unknown, encoding: unknown, callback: unknown): boolean {
    const res = this.#res;
    const { write } = this.#native;
    if (this.#sealing) return write.call(res, chunk, encoding, callback);
    const done = callbackOf(encoding, callback);
    if (this.#silenced) return discarded(done);
    const bytes = bytesOf(chunk, encoding, this.#http2);
    if (bytes === undefined) return write.call(res, chunk, encoding, callback);
    if (res.writableEnded || res.destroyed || this.#streamIsGone()) return write.call(res, nothing, done);
    const first = !res.headersSent;
    if (!first && this.#isStrict() && this.#written + bytes.length > this.#announced) throw lengthMismatch();
    const writer = this.#begun();
    this.#written += bytes.length;
    if (!this.#bodyAllowed) {
      discarded(done);
      // What http2 says there, whose stream has ended.
      return !this.#http2;
    }
    // Nothing is sealed for nothing; Node calls back in its turn.
    if (bytes.length === 0 && !first) return write.call(res, nothing, undefined, done);
    return this.#send(writer.records(bytes, false), done);
  }

  end(chunk: unknown, encoding: unknown, callback: unknown): SealedResponse {
    const res = this.#res;
    const { end } = this.#native;
    if (this.#sealing) return end.call(res, chunk, encoding, callback);
    const alone = typeof chunk === 'function';
    const done = alone ? (chunk as Callback) : callbackOf(encoding, callback);
    const body = alone || isNothing(chunk, this.#http2) ? undefined : chunk;
    if (this.#silenced) {
      discarded(done);
      return res;
    }
    const bytes = body === undefined ? nothing : bytesOf(body, encoding, this.#http2);
    if (bytes === undefined) return end.call(res, chunk, encoding, callback);
    if (res.writableEnded || res.destroyed || this.#streamIsGone()) {
      // Node's own error for what comes too late, without the bytes that it is about.
      return end.call(res, body === undefined ? undefined : nothing, done);
    }
    this.#options.owner.responseEnds();
    const writer = this.#begun(bytes.length);
    this.#written += bytes.length;
    if (this.#isStrict() && this.#written !== this.#announced) throw lengthMismatch();
    const pieces = writer.records(this.#bodyAllowed ? bytes : nothing, true, this.#trailers);
    this.#sendLast(pieces, done);
    return res;
  }

  flushHeaders(): void {
    const res = this.#res;
    if (this.#silenced) return;
    if (!res.headersSent) res.writeHead(res.statusCode);
    this.#native.flushHeaders.call(res);
    if (this.#writer?.headPending && !res.writableEnded) this.#send(this.#writer.records(nothing, false));
  }

  addTrailers(headers: OutgoingHttpHeaders | readonly [string, string][]): void {
    const entries = Array.isArray(headers) ? headers : Object.entries(headers);
    const added: Field[] = [];
    for (const [name, value] of entries as [string, unknown][]) {
      for (const each of Array.isArray(value) ? value : [value]) {
        validateHeaderName(name);
        validateHeaderValue(name, each);
        added.push([name.toLowerCase(), trimmed(String(each))]);
      }
    }
    const before = this.#trailers ?? [];
    // http2 has one of a name.
    const kept = this.#http2 ? before.filter(([name]) => !added.some((field) => field[0] === name)) : before;
    const trailers = [...kept, ...added];
    try {
      encodeFieldSection(trailers);
    } catch {
      throw new SealwireError('response-head-too-large');
    }
    this.#trailers = trailers;
  }

  /** True if Node is to see to it that the body is as long as announced; it can count ciphertext only. */
  #isStrict(): boolean {
    return this.#bodyAllowed && !Number.isNaN(this.#announced);
  }

  /** True for a response over http2 that can send nothing any more. */
  #streamIsGone(): boolean {
    return this.#http2 && (this.#res as unknown as { stream: ServerHttp2Stream }).stream.destroyed;
  }

  /** Begins the response if it was not, with a body of this length if that is known. */
  #begun(length?: number): MessageWriter {
    const res = this.#res;
    if (!res.headersSent) {
      this.#beginning = true;
      this.#wholeLength = length;
      try {
        // Through the instance, as Node does: what was mounted later may have wrapped it (on-headers does).
        res.writeHead(res.statusCode);
      } finally {
        this.#beginning = false;
        this.#wholeLength = undefined;
      }
    }
    return this.#writer as MessageWriter;
  }

  /** Seals the head and sends the outer one. */
  #sealHead(status: number): void {
    const res = this.#res;
    const { master, n, nonceQ, method, sealCookies } = this.#options;
    const whole = this.#wholeLength;
    const headers = res.getHeaders();
    // http2 warns if it is asked for one.
    const statusMessage = this.#http2 ? undefined : res.statusMessage;
    if (statusMessage) validateHeaderValue('statusMessage', statusMessage);
    this.#bodyAllowed = method !== 'HEAD' && hasBody(status, this.#http2);
    // http2 leaves it among them if it refused the head before.
    if (this.#http2) delete headers[':status'];
    const set = sealedFields(headers, sealCookies, this.#ownProblem);
    const fields = this.#http2 ? asHttp2Sends(set) : set;
    // As Node does over HTTP/1.
    if (!this.#http2 && this.#bodyAllowed && whole !== undefined && !framed(res, headers)) {
      fields.push(['content-length', String(whole)]);
    }
    if (statusMessage && (status !== 200 || statusMessage !== usualReason)) {
      fields.push([reasonField, trimmed(statusMessage)]);
    }
    if (!this.#http2 && res.strictContentLength === true) this.#announced = Number(headers['content-length']);
    const head = this.#encodeHead(status, fields);
    const nonce = randomNonce(messageNonceLength);
    const writer = new MessageWriter(responseKeys(master, n, nonceQ, nonce), nonce, head);
    this.#writer = writer;

    const bodyLength = this.#bodyAllowed || whole === undefined ? whole : 0;
    const trailersLength = this.#trailers && encodeFieldSection(this.#trailers).length;
    const length =
      bodyLength === undefined
        ? undefined
        : MessageWriter.messageLength(head.length, bodyLength, trailersLength);
    this.#sealing = true;
    try {
      withOuterFields(res, status, headers, sealCookies, length, () =>
        this.#sendOuterHead(outerStatus(status)),
      );
    } finally {
      this.#sealing = false;
    }
    // From here on the application's own values answer again.
    res.statusCode = status;
    if (statusMessage !== undefined) res.statusMessage = statusMessage;
    // http2 sends its head at once; so that the client sees it at once, ours goes with it.
    if (this.#http2 && !this.#beginning) this.#send(writer.records(nothing, false));
  }

  #sendOuterHead(status: number): void {
    if (this.#http2) this.#native.writeHead.call(this.#res, status);
    else this.#native.writeHead.call(this.#res, status, phraseOf(status));
  }

  /** Throws for a head that cannot be sealed; whoever handles the error and keeps its fields gets an empty 500. */
  #encodeHead(status: number, fields: Field[]): Uint8Array {
    try {
      return encodeResponseHead({ status, fields });
    } catch {
      if (!this.#headTooLarge) {
        this.#headTooLarge = true;
        throw new SealwireError('response-head-too-large');
      }
      this.#bodyAllowed = false;
      return encodeResponseHead({ status: 500, fields: [] });
    }
  }

  #send(pieces: Uint8Array[], callback?: Callback): boolean {
    const res = this.#res;
    const { write } = this.#native;
    const last = pieces.length - 1;
    let result = true;
    this.#sealing = true;
    try {
      // HTTP/1 corks its socket itself until the next tick, and loses `drain` and the order of chunks if told to.
      if (this.#http2 && last > 0) res.cork();
      for (let i = 0; i < last; i++) write.call(res, pieces[i]);
      result = write.call(res, pieces[last], callback);
    } finally {
      if (this.#http2 && last > 0) res.uncork();
      this.#sealing = false;
    }
    return result;
  }

  #sendLast(pieces: Uint8Array[], callback: Callback | undefined): void {
    const res = this.#res;
    const last = pieces.length - 1;
    this.#sealing = true;
    try {
      if (this.#http2 && last > 0) res.cork();
      for (let i = 0; i < last; i++) this.#native.write.call(res, pieces[i]);
      this.#native.end.call(res, pieces[last], callback);
      if (this.#http2 && last > 0) res.uncork();
    } finally {
      this.#sealing = false;
    }
  }
}

/** What `write` and `end` do with what goes nowhere. */
function discarded(done: Callback | undefined): true {
  if (done !== undefined) process.nextTick(done);
  return true;
}

/** True if the application says how its body is framed, or takes that away, so that Node would not add a Content-Length. */
function framed(res: ServerResponse, headers: OutgoingHttpHeaders): boolean {
  return (
    (res as { _removedContLen?: boolean })._removedContLen === true ||
    headers['content-length'] !== undefined ||
    headers['transfer-encoding'] !== undefined ||
    headers.trailer !== undefined
  );
}
