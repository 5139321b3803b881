import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http';
import {
  encodeFieldSection,
  encodeResponseHead,
  type Field,
  type MasterKey,
  messageNonceLength,
  randomBytes,
  SealwireError,
} from '@sealwire/core';
import { responseKeys } from './message-keys.ts';
import { MessageWriter } from './message-writer.ts';
import { foldHeaders, hasBody, outerStatus, sealedFields, setOuterFields } from './outer-head.ts';

/** What a response is sealed under. */
export interface ResponseSealOptions {
  readonly master: MasterKey;
  readonly n: number;
  readonly nonceQ: Uint8Array;
  /** The sealed method of the request. */
  readonly method: string;
  /** Called when the application ends the response. */
  readonly onEnd: () => void;
}

export interface ResponseSeal {
  /** Lets the `Sealwire` header of a problem through into the sealed head. */
  allowProblem(): void;
}

type Callback = (error?: Error | null) => void;

const nothing = new Uint8Array();

/**
 * Seals a response in place: the application's `writeHead`, `write` and `end` seal synchronously and call the methods
 * that were there before, so that errors, back-pressure, callbacks and events stay Node's own. The head is decided
 * once, in `writeHead`, which Node calls for every way to begin a response.
 */
export function sealResponse(
  res: ServerResponse,
  { master, n, nonceQ, method, onEnd }: ResponseSealOptions,
): ResponseSeal {
  const native = {
    writeHead: res.writeHead,
    write: res.write,
    end: res.end,
    flushHeaders: res.flushHeaders,
  };
  const http2 = 'stream' in res;
  let writer: MessageWriter | undefined;
  let bodyAllowed = true;
  /** True while a native method runs that was given ciphertext: http2's `end` calls `write`. */
  let sealing = false;
  /** True while `write` or `end` begin the response: what they seal carries the head. */
  let beginning = false;
  /** Length of the whole body while `end` begins the response. */
  let wholeLength: number | undefined;
  let trailers: Field[] | undefined;
  let ownProblem = false;

  function begin(length?: number): void {
    beginning = true;
    wholeLength = length;
    try {
      // Through the instance, as Node does: what was mounted later may have wrapped it (on-headers does).
      res.writeHead(res.statusCode);
    } finally {
      beginning = false;
      wholeLength = undefined;
    }
  }

  /** Seals the head and sends the outer one. */
  function sealHead(status: number): void {
    const headers = res.getHeaders();
    bodyAllowed = method !== 'HEAD' && hasBody(status);
    const fields = sealedFields(headers, ownProblem);
    if (bodyAllowed && wholeLength !== undefined && !framed(headers)) {
      fields.push(['content-length', String(wholeLength)]);
    }
    const { head, fits } = encodeHead(status, fields);
    if (!fits) bodyAllowed = false;
    const nonce = randomBytes(messageNonceLength);
    writer = new MessageWriter(responseKeys(master, n, nonceQ, nonce), nonce, head);

    const bodyLength = bodyAllowed ? wholeLength : wholeLength === undefined ? undefined : 0;
    const trailersLength = trailers && encodeFieldSection(trailers).length;
    const length =
      bodyLength === undefined
        ? undefined
        : MessageWriter.messageLength(head.length, bodyLength, trailersLength);
    setOuterFields(res, headers, length);
    const outer = outerStatus(status);
    // http2 warns if it is asked for one.
    const statusMessage = http2 ? '' : res.statusMessage;
    sealing = true;
    try {
      if (http2) native.writeHead.call(res, outer);
      else native.writeHead.call(res, outer, STATUS_CODES[outer] as never);
    } finally {
      sealing = false;
    }
    // From here on the application's own values answer again.
    res.statusCode = status;
    if (!http2) res.statusMessage = statusMessage || (STATUS_CODES[status] ?? 'unknown');
    showHeaders(res, headers);
    // http2 sends its head at once; so that the client sees it at once, ours goes with it.
    if (http2 && !beginning) send(writer.records(nothing, false));
  }

  let tooLarge = false;
  /** Throws for a head that cannot be sealed; whoever handles the error and keeps its fields gets an empty 500. */
  function encodeHead(status: number, fields: Field[]): { head: Uint8Array; fits: boolean } {
    try {
      return { head: encodeResponseHead({ status, fields }), fits: true };
    } catch {
      if (tooLarge) return { head: encodeResponseHead({ status: 500, fields: [] }), fits: false };
      tooLarge = true;
      throw new SealwireError('response-head-too-large');
    }
  }

  function send(pieces: Uint8Array[], callback?: Callback): boolean {
    const last = pieces.length - 1;
    let result = true;
    sealing = true;
    try {
      // HTTP/1 corks its socket itself until the next tick, and loses `drain` and the order of chunks if told to.
      if (http2 && last > 0) res.cork();
      pieces.forEach((piece, index) => {
        result =
          index === last && callback !== undefined
            ? native.write.call(res, piece, callback as never)
            : native.write.call(res, piece, undefined as never);
      });
    } finally {
      if (http2 && last > 0) res.uncork();
      sealing = false;
    }
    return result;
  }

  res.writeHead = function writeHead(this: ServerResponse, status: number, ...rest: unknown[]) {
    const code = status | 0;
    // What Node refuses, Node refuses in its own words.
    if (sealing || res.headersSent || code < (http2 ? 200 : 100) || code > (http2 ? 599 : 999)) {
      return native.writeHead.call(res, status, ...(rest as []));
    }
    const [reason, headers] = typeof rest[0] === 'string' ? rest : [undefined, rest[0] ?? rest[1]];
    if (reason !== undefined && !http2) res.statusMessage = reason as string;
    if (headers !== undefined && headers !== null) foldHeaders(res, headers as OutgoingHttpHeaders);
    sealHead(code);
    return res;
  } as typeof res.writeHead;

  res.write = function write(chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
    const done = (typeof encoding === 'function' ? encoding : callback) as Callback | undefined;
    if (sealing) return native.write.call(res, chunk, encoding as never, callback as never);
    const bytes = toBytes(chunk, encoding);
    if (bytes === undefined) return native.write.call(res, chunk, encoding as never, callback as never);
    if (res.writableEnded || res.destroyed) return native.write.call(res, nothing, done as never);
    const first = !res.headersSent;
    if (first) begin();
    if (!bodyAllowed) {
      if (done !== undefined) process.nextTick(done);
      return true;
    }
    if (bytes.length === 0 && !first) {
      // HTTP/1 sends nothing for it, and calls back in its turn.
      if (!http2) return native.write.call(res, nothing, undefined as never, done as never);
      if (done !== undefined) process.nextTick(done);
      return !res.writableNeedDrain;
    }
    return send((writer as MessageWriter).records(bytes, false), done);
  } as typeof res.write;

  res.end = function end(chunk?: unknown, encoding?: unknown, callback?: unknown): ServerResponse {
    if (sealing) return native.end.call(res, chunk, encoding as never, callback as never);
    let done = callback as Callback | undefined;
    let body: unknown = chunk;
    if (typeof chunk === 'function') {
      done = chunk as Callback;
      body = undefined;
    } else if (typeof encoding === 'function') {
      done = encoding as Callback;
    }
    const bytes = body === undefined || body === null || body === '' ? nothing : toBytes(body, encoding);
    if (bytes === undefined) return native.end.call(res, chunk, encoding as never, callback as never);
    if (res.writableEnded || res.destroyed) {
      // Node's own error for what comes too late, without the bytes that it is about.
      return native.end.call(res, (bytes.length > 0 ? nothing : undefined) as never, done as never);
    }
    onEnd();
    if (!res.headersSent) begin(bytes.length);
    const pieces = (writer as MessageWriter).records(bodyAllowed ? bytes : nothing, true, trailers);
    const last = pieces.pop() as Uint8Array;
    sealing = true;
    try {
      if (pieces.length > 0) {
        if (http2) res.cork();
        for (const piece of pieces) native.write.call(res, piece, undefined as never);
      }
      native.end.call(res, last, done as never);
      if (http2 && pieces.length > 0) res.uncork();
    } finally {
      sealing = false;
    }
    return res;
  } as typeof res.end;

  res.flushHeaders = function flushHeaders(): void {
    if (!res.headersSent) res.writeHead(res.statusCode);
    native.flushHeaders.call(res);
    if (writer?.headPending && !res.writableEnded) send(writer.records(nothing, false));
  };

  res.addTrailers = function addTrailers(headers: OutgoingHttpHeaders | readonly [string, string][]): void {
    trailers ??= [];
    const entries = Array.isArray(headers) ? headers : Object.entries(headers);
    for (const [name, value] of entries as [string, unknown][]) {
      for (const each of Array.isArray(value) ? value : [value])
        trailers.push([name.toLowerCase(), String(each)]);
    }
  };

  // A hint in plaintext would tell the path what the sealed head is about to say.
  res.writeEarlyHints = function writeEarlyHints(_hints: unknown, callback?: () => void): void {
    callback?.();
  };

  return {
    allowProblem() {
      ownProblem = true;
    },
  };
}

/** The bytes of what may be written; undefined for what Node refuses. */
function toBytes(chunk: unknown, encoding: unknown): Uint8Array | undefined {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  }
  return chunk instanceof Uint8Array ? chunk : undefined;
}

/** True if the application says how its body is framed, so that Node would not add a Content-Length. */
function framed(headers: OutgoingHttpHeaders): boolean {
  return (
    headers['content-length'] !== undefined ||
    headers['transfer-encoding'] !== undefined ||
    headers.trailer !== undefined
  );
}

/** After the head was sent, `getHeader` and its kin answer with what the application set. */
function showHeaders(res: ServerResponse, headers: OutgoingHttpHeaders): void {
  res.getHeader = (name) => headers[name.toLowerCase()];
  res.hasHeader = (name) => headers[name.toLowerCase()] !== undefined;
  res.getHeaders = () => Object.assign(Object.create(null), headers);
  res.getHeaderNames = () => Object.keys(headers);
}
