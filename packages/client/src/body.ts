import { copyOf } from '@sealwire/core';

/** A request body, its length known unless it is a stream. */
export type Body =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly type: string | undefined }
  | { readonly kind: 'blob'; readonly blob: Blob; readonly type: string | undefined }
  | {
      readonly kind: 'stream';
      readonly stream: ReadableStream<Uint8Array>;
      readonly type: string | undefined;
    };

export const noBody: Body = { kind: 'none' };

/** Length in bytes; undefined for a stream. */
export function bodyLength(body: Body): number | undefined {
  switch (body.kind) {
    case 'none':
      return 0;
    case 'bytes':
      return body.bytes.length;
    case 'blob':
      return body.blob.size;
    case 'stream':
      return undefined;
  }
}

/** Fetch standard, "extract a body": bytes or stream, and the content type that goes with it. */
export async function extractBody(body: unknown): Promise<Body> {
  if (body === undefined || body === null) return noBody;
  if (body instanceof ReadableStream) return { kind: 'stream', stream: body, type: undefined };
  if (body instanceof Blob) return { kind: 'blob', blob: body, type: body.type || undefined };
  if (body instanceof ArrayBuffer)
    return { kind: 'bytes', bytes: copyOf(new Uint8Array(body)), type: undefined };
  if (ArrayBuffer.isView(body)) {
    const view = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    return { kind: 'bytes', bytes: copyOf(view), type: undefined };
  }
  if (typeof body === 'object' && Symbol.asyncIterator in body) {
    return { kind: 'stream', stream: fromIterable(body as AsyncIterable<Uint8Array>), type: undefined };
  }
  // Strings, URLSearchParams and FormData: the platform knows their bytes and types.
  const extracted = new Response(body as BodyInit);
  const type = extracted.headers.get('content-type') ?? undefined;
  if (body instanceof FormData) return { kind: 'blob', blob: await extracted.blob(), type };
  return { kind: 'bytes', bytes: new Uint8Array(await extracted.arrayBuffer()), type };
}

/** Node's fetch takes async iterables. */
function fromIterable(iterable: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = iterable[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        await iterator.return?.(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** What is read of a stream body to find out whether it is a short one: so many bytes, for so many milliseconds. */
const shortBody = 65_536;
const shortWait = 20;

/**
 * The body of a `Request`. It is a stream whatever it was made from: a short one that is there already is read, so that
 * it has a length and can be sent again. Its type is among the headers of the `Request`, unless others replace them.
 */
export async function extractRequestBody(request: Request): Promise<Body> {
  if (request.body === undefined) {
    // No `body` here (Firefox): there is one all the same.
    const bytes = new Uint8Array(await request.arrayBuffer());
    return bytes.length === 0 ? noBody : { kind: 'bytes', bytes, type: undefined };
  }
  if (request.body === null) return noBody;
  const reader = request.body.getReader();
  const read: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  let pending = reader.read();
  while (length <= shortBody && (await isThere(pending))) {
    const { done, value } = await pending;
    if (done)
      return { kind: 'bytes', bytes: new Uint8Array(await new Blob(read).arrayBuffer()), type: undefined };
    length += value.length;
    read.push(value as Uint8Array<ArrayBuffer>);
    pending = reader.read();
  }
  // It will be read in its turn, and its error be heard then.
  pending.catch(() => {});
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const early = read.shift();
        if (early !== undefined) {
          controller.enqueue(early);
          return;
        }
        const { done, value } = await pending;
        if (done) {
          controller.close();
          return;
        }
        controller.enqueue(value);
        pending = reader.read();
        pending.catch(() => {});
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { kind: 'stream', stream, type: undefined };
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
