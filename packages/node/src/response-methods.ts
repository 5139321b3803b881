import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

const sealKey = Symbol('sealwire.response');

/** A response with methods that seal. */
export type SealedResponse = ServerResponse & { [sealKey]: SealingMethods };

/** What those methods call. */
export interface SealingMethods {
  writeHead(status: number, rest: unknown[]): SealedResponse;
  write(chunk: unknown, encoding: unknown, callback: unknown): boolean;
  end(chunk: unknown, encoding: unknown, callback: unknown): SealedResponse;
  flushHeaders(): void;
  addTrailers(headers: OutgoingHttpHeaders | readonly [string, string][]): void;
  /** Lets the `Sealwire` header of a problem through into the sealed head. */
  allowProblem(): void;
}

/** The methods that were there before, whatever their overloads say. */
export interface NativeMethods {
  writeHead(...args: unknown[]): SealedResponse;
  write(...args: unknown[]): boolean;
  end(...args: unknown[]): SealedResponse;
  flushHeaders(): void;
}

/**
 * What takes the place of a response's own methods, the same functions for every response. With functions made for
 * each one, V8's scavenger let a third of what finished requests had allocated live on, until a full collection.
 */
const methods = {
  writeHead(this: SealedResponse, status: number, ...rest: unknown[]): SealedResponse {
    return this[sealKey].writeHead(status, rest);
  },
  write(this: SealedResponse, chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
    return this[sealKey].write(chunk, encoding, callback);
  },
  end(this: SealedResponse, chunk?: unknown, encoding?: unknown, callback?: unknown): SealedResponse {
    return this[sealKey].end(chunk, encoding, callback);
  },
  flushHeaders(this: SealedResponse): void {
    this[sealKey].flushHeaders();
  },
  addTrailers(this: SealedResponse, headers: OutgoingHttpHeaders | readonly [string, string][]): void {
    this[sealKey].addTrailers(headers);
  },
  /** A hint in plaintext would tell the path what the sealed head is about to say. */
  writeEarlyHints(this: SealedResponse, _hints: unknown, callback?: () => void): void {
    // http2 knows no callback.
    if (!('stream' in this)) callback?.();
  },
  writeInformation(this: SealedResponse, status: unknown, headers?: unknown, callback?: () => void): unknown {
    // Without fields it is Node's own way to say 100 or 102, which tells the path nothing.
    if (headers === undefined || headers === null) {
      return Object.getPrototypeOf(this).writeInformation.call(this, status, headers, callback);
    }
    this.writeEarlyHints(headers as Record<string, string>, callback);
    return true;
  },
  setTrailer(this: SealedResponse, name: string, value: string): void {
    this[sealKey].addTrailers([[name, value]]);
  },
  /** What is pushed answers no request, so nothing could seal it: as with a client that takes none. */
  createPushResponse(): never {
    throw Object.assign(new Error('HTTP/2 client has disabled push streams'), {
      code: 'ERR_HTTP2_PUSH_DISABLED',
    });
  },
};

/** Says that what a response is about to tell is a problem of Sealwire's own, if it is sealed. */
export function allowProblem(res: ServerResponse): void {
  (res as Partial<SealedResponse>)[sealKey]?.allowProblem();
}

/** Methods that only some responses have. */
interface RareMethods {
  writeHeader?: unknown;
  writeInformation?: unknown;
  setTrailer?: unknown;
  createPushResponse?: unknown;
}

/** Puts them in the place of the response's own, which it returns. */
export function sealMethods(res: SealedResponse, seal: SealingMethods): NativeMethods {
  const { writeHead, write, end, flushHeaders } = res;
  res[sealKey] = seal;
  res.writeHead = methods.writeHead;
  res.write = methods.write;
  res.end = methods.end;
  res.flushHeaders = methods.flushHeaders;
  res.addTrailers = methods.addTrailers;
  res.writeEarlyHints = methods.writeEarlyHints;
  const rare = res as RareMethods;
  if ('stream' in res) {
    rare.setTrailer = methods.setTrailer;
    rare.createPushResponse = methods.createPushResponse;
  } else {
    // Another name for `writeHead`.
    rare.writeHeader = methods.writeHead;
  }
  // Newer versions of Node have it.
  if (rare.writeInformation !== undefined) rare.writeInformation = methods.writeInformation;
  return { writeHead, write, end, flushHeaders } as unknown as NativeMethods;
}
