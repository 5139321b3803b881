import { STATUS_CODES } from 'node:http';
import { isArrayBufferView, isUint8Array } from 'node:util/types';

/** What the arguments of a response's methods mean to Node. */

export type Callback = (error?: Error | null) => void;

/** True for what Node's `end` takes for no chunk: over HTTP/1 zero and `false`, too. */
export function isNothing(chunk: unknown, http2: boolean): boolean {
  return chunk === undefined || chunk === null || chunk === '' || (!http2 && !chunk);
}

/** The bytes of what may be written; undefined for what Node refuses. */
export function bytesOf(chunk: unknown, encoding: unknown, http2: boolean): Uint8Array | undefined {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  }
  // Asked as Node asks: an array of another realm is no `instanceof`, and what it takes must not go out unsealed.
  if (isUint8Array(chunk)) return chunk;
  if (!http2 || !isArrayBufferView(chunk)) return undefined;
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

export function lengthMismatch(): Error {
  const message = "The length of the response's body is not its content-length.";
  return Object.assign(new Error(message), { code: 'ERR_HTTP_CONTENT_LENGTH_MISMATCH' });
}

export function phraseOf(status: number): string {
  return STATUS_CODES[status] ?? 'unknown';
}

/** Whichever of the two last arguments is a function. */
export function callbackOf(encoding: unknown, callback: unknown): Callback | undefined {
  if (typeof encoding === 'function') return encoding as Callback;
  return typeof callback === 'function' ? (callback as Callback) : undefined;
}
