import { copyOf, utf8 } from '@sealwire/core';
import { unlessAborted } from './abort.ts';
import { pulled } from './pulled.ts';

/** A request body, its length known unless it is a stream. */
export type Body =
  | {
      readonly kind: 'none';
      /** True if even that is not told: a POST without a length. */
      readonly undeclared?: boolean;
    }
  | {
      readonly kind: 'bytes';
      readonly bytes: Uint8Array;
      readonly type?: string | undefined;
      /** True if its length is not told, as of a stream that turned out to be short. */
      readonly undeclared?: boolean;
    }
  | { readonly kind: 'blob'; readonly blob: Blob; readonly type?: string | undefined }
  | {
      readonly kind: 'stream';
      readonly stream: ReadableStream<Uint8Array>;
      readonly type?: string | undefined;
      /** What its sender said of its length, in bytes. */
      readonly length?: number | undefined;
      /** What follows the body, once that has ended: a field section, as it is sent. */
      readonly trailers?: () => Uint8Array | undefined;
    };

export type WholeBody = Extract<Body, { kind: 'bytes' | 'blob' }>;
export type StreamBody = Extract<Body, { kind: 'stream' }>;

export const noBody: Body = { kind: 'none' };

/** Length in bytes, as it is declared; undefined for one that is not, as of most streams. */
export function bodyLength(body: Body): number | undefined {
  switch (body.kind) {
    case 'none':
      return body.undeclared ? undefined : 0;
    case 'bytes':
      return body.undeclared ? undefined : body.bytes.length;
    case 'blob':
      return body.blob.size;
    case 'stream':
      return body.length;
  }
}

/** Fetch standard, "extract a body": bytes or stream, and the content type that goes with it. */
export async function extractBody(body: unknown): Promise<Body> {
  if (body === undefined || body === null) return noBody;
  if (body instanceof ReadableStream) return { kind: 'stream', stream: body };
  if (body instanceof Blob) return { kind: 'blob', blob: body, type: body.type || undefined };
  // At once: undici's Response takes a second for 100 MB.
  if (body instanceof ArrayBuffer) return { kind: 'bytes', bytes: copyOf(new Uint8Array(body)) };
  if (ArrayBuffer.isView(body)) {
    const view = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    return { kind: 'bytes', bytes: copyOf(view) };
  }
  if (typeof body === 'object' && Symbol.asyncIterator in body) {
    return { kind: 'stream', stream: fromIterable(body as AsyncIterable<Uint8Array>) };
  }
  if (body instanceof FormData) {
    // The platform chooses the boundary.
    const extracted = new Response(body);
    const type = extracted.headers.get('content-type') ?? undefined;
    return { kind: 'blob', blob: await extracted.blob(), type };
  }
  // Whatever else it is, it is a text. Not by a Response: undici's takes 0.1 ms for it.
  const form = body instanceof URLSearchParams ? 'application/x-www-form-urlencoded' : 'text/plain';
  return { kind: 'bytes', bytes: utf8(`${body}`), type: `${form};charset=UTF-8` };
}

/** Node's fetch takes async iterables. */
export function fromIterable(iterable: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = iterable[Symbol.asyncIterator]();
  return pulled(
    () => iterator.next(),
    (reason) => iterator.return?.(reason),
  );
}

/** More bytes than these are not kept in memory a second time. */
const longBody = 1_048_576;

export function isLong(body: WholeBody): boolean {
  return (body.kind === 'bytes' ? body.bytes.length : body.blob.size) > longBody;
}

/** A body that is there as a whole, as a stream: a new one each time. */
export function streamOf(body: WholeBody): StreamBody {
  if (body.kind === 'blob') return { kind: 'stream', stream: body.blob.stream() };
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(body.bytes);
      controller.close();
    },
  });
  return { kind: 'stream', stream };
}

/**
 * A stream to its end, which browsers keep outside of the page's memory.
 * @throws what the stream fails with; the reason of the signal, with which the stream is cancelled, too
 */
export async function collected(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Blob> {
  const copy = stream.pipeThrough(new TransformStream(), { signal: signal as AbortSignal });
  // Chromium would make a TypeError of the reason.
  return unlessAborted(new Response(copy as ReadableStream<Uint8Array<ArrayBuffer>>).blob(), signal);
}

/** What is read of a stream body to find out whether it is a short one: so many bytes, for so many milliseconds. */
const shortBody = 65_536;
const shortWait = 20;

/**
 * The body of a `Request`. It is a stream to look at, whatever it was made from. Its type is among the headers of the
 * `Request`, unless others replace them.
 */
export async function extractRequestBody(request: Request): Promise<Body> {
  if (request.body === undefined) {
    // No `body` here (Firefox): there is one all the same.
    const blob = await request.blob();
    return blob.size === 0 ? noBody : { kind: 'blob', blob };
  }
  if (request.body === null) return noBody;
  // What was there as a whole has a length, can be sent again, and goes over HTTP/1.1, where browsers send no streams.
  const whole = withoutStream(request);
  if (whole !== undefined) return { kind: 'blob', blob: await whole.blob() };
  const read = await readShort(request.body);
  return read instanceof Uint8Array
    ? { kind: 'bytes', bytes: read, undeclared: true }
    : { kind: 'stream', stream: read };
}

/**
 * Takes over the body of a `Request` that was not made of a stream. A `Request` does not tell which it is, but only
 * without a stream may another one of it be `no-cors`; else it is left as it was (fetch standard, the constructor of
 * Request, "source is null").
 */
function withoutStream(request: Request): Request | undefined {
  try {
    return new Request(request, { method: 'POST', mode: 'no-cors', integrity: '' });
  } catch {
    return undefined;
  }
}

/**
 * The whole body if it is short and there already, so that it has a length and can be sent again; else a stream of it.
 */
export async function readShort(
  body: ReadableStream<Uint8Array>,
): Promise<Uint8Array | ReadableStream<Uint8Array>> {
  const reader = body.getReader();
  const read: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  let pending = reader.read();
  while (length <= shortBody && (await isThere(pending))) {
    const { done, value } = await pending;
    if (done) return new Uint8Array(await new Blob(read).arrayBuffer());
    length += value.length;
    read.push(value as Uint8Array<ArrayBuffer>);
    pending = reader.read();
  }
  // It will be read in its turn, and its error be heard then.
  pending.catch(() => {});
  return pulled<Uint8Array>(
    async () => {
      const value = read.shift();
      if (value !== undefined) return { value };
      const result = await pending;
      pending = reader.read();
      pending.catch(() => {});
      return result;
    },
    (reason) => reader.cancel(reason),
  );
}

/** True if the promise settles within a moment. */
async function isThere(promise: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), shortWait);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  const there = await Promise.race([settled, late]);
  clearTimeout(timer);
  return there;
}
