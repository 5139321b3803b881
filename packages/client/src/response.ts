import { copyOf, type Field, type ResponseHead, reasonField, reasonPhrases } from '@sealwire/core';
import { contentCodings, decompression, isDecodable, undecodable } from './codings.ts';
import type { MessageReader } from './open-message.ts';
import type { Plan } from './plan.ts';

/** What travelled outside of a sealed response. Anyone on the path may have written it. */
export interface OuterResponse {
  readonly outer: Headers;
  readonly status: number;
}

/** A `Response` as the application meant it; `sealed` tells what the path saw of it. */
export interface SealedResponse extends Response {
  readonly sealed: OuterResponse;
}

export const nullBodyStatuses = new Set([101, 103, 204, 205, 304]);

/** Makes the caller's `Response` of an opened head and the body behind it. */
export async function makeResponse(
  head: ResponseHead,
  fields: readonly Field[],
  message: MessageReader,
  outer: Response,
  plan: Plan,
  redirected: boolean,
): Promise<SealedResponse> {
  const headers = new Headers(fields as [string, string][]);
  const end: BodyEnd = {};
  let body: ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer> | null = null;
  if (plan.method === 'HEAD' || nullBodyStatuses.has(head.status)) await drain(message);
  else body = decoded(streamOf(message, plan, headers, end), headers, end);
  if (plan.integrity !== '') body = await checked(body, plan.integrity, end);

  const status = head.status >= 200 && head.status <= 599 ? head.status : 200;
  const response = new Response(body, { status, statusText: reasonOf(head), headers });
  return decorate(response, end, {
    url: plan.url.href.split('#', 1)[0],
    redirected,
    type: outer.type === 'default' ? 'basic' : outer.type,
    // `new Response` takes no others, but a server may answer with any.
    ...(status === head.status ? {} : { status: head.status, ok: false }),
    sealed: { outer: outer.headers, status: outer.status },
  });
}

/** The reason phrase that the server gave, or else the one that goes without saying. */
function reasonOf({ status, fields }: ResponseHead): string {
  return fields.find(([name]) => name === reasonField)?.[1] ?? reasonPhrases[status] ?? '';
}

/** What the body failed with, once it has. */
interface BodyEnd {
  error?: unknown;
}

const wholeReaders = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const;

/** `new Response` has no URL: it gets one, and so does every clone. */
function decorate(response: Response, end: BodyEnd, values: Record<string, unknown>): SealedResponse {
  const define = (name: string, value: unknown) => Object.defineProperty(response, name, { value });
  for (const [name, value] of Object.entries(values)) define(name, value);
  define('clone', () => decorate(Response.prototype.clone.call(response), end, values));
  for (const name of wholeReaders) {
    if (name in response) define(name, () => readWhole(response, name, end));
  }
  return response as SealedResponse;
}

/** Fails with what the body failed with, where Chromium would make a TypeError without a reason of it. */
async function readWhole(
  response: Response,
  name: (typeof wholeReaders)[number],
  end: BodyEnd,
): Promise<unknown> {
  const first = !response.bodyUsed;
  try {
    return await Response.prototype[name].call(response);
  } catch (error) {
    throw (first && end.error) || error;
  }
}

/** A response without a body is one only if its message ends. */
async function drain(message: MessageReader): Promise<void> {
  while ((await message.body()) !== undefined);
}

function streamOf(
  message: MessageReader,
  plan: Plan,
  headers: Headers,
  end: BodyEnd,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const length = headers.get('content-length');
  const total = length === null ? undefined : Number(length);
  let loaded = 0;
  return byteStream({
    async pull(controller) {
      const bytes = await message.body().catch((error) => {
        end.error = error;
        throw error;
      });
      if (bytes === undefined) {
        close(controller);
        return;
      }
      loaded += bytes.length;
      controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
      plan.onDownloadProgress?.({ loaded, total });
    },
    cancel: (reason) => message.cancel(reason),
  });
}

/** A stream that is read as it is asked for, by readers with buffers of their own, too: in Safari since 26.4. */
function byteStream(
  source: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = 'ReadableByteStreamController' in globalThis && { type: 'bytes' };
  return new ReadableStream({ ...source, ...bytes } as UnderlyingDefaultSource, { highWaterMark: 0 });
}

function close(controller: ReadableStreamController<Uint8Array>): void {
  controller.close();
  // A pending read of a reader with a buffer of its own has to be answered, too.
  if ('byobRequest' in controller) controller.byobRequest?.respond(0);
}

/**
 * Undoes the content codings that the application's server applied inside. What cannot be undone is an error of the
 * body: to hand it on as it is would be taken for what the application said.
 */
function decoded(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  headers: Headers,
  end: BodyEnd,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const codings = contentCodings(headers);
  if (codings.length === 0) return body;
  const unknown = codings.find((coding) => !isDecodable(coding));
  const encoded = body.getReader();
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;

  /** What reads the body decoded. Nothing at all is an empty body in any coding. */
  async function begin() {
    const { done, value } = await encoded.read();
    if (done) return encoded;
    if (unknown !== undefined) {
      encoded.cancel().catch(() => {});
      end.error = undecodable(unknown);
      throw end.error;
    }
    let early: Uint8Array<ArrayBuffer> | undefined = value;
    let stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        async pull(controller) {
          const next = early === undefined ? await encoded.read() : { done: false, value: early };
          early = undefined;
          if (next.value === undefined) controller.close();
          else controller.enqueue(next.value);
        },
        cancel: (reason) => encoded.cancel(reason),
      },
      { highWaterMark: 0 },
    );
    for (const coding of [...codings].reverse()) stream = stream.pipeThrough(decompression(coding));
    return stream.getReader();
  }

  return byteStream({
    async pull(controller) {
      try {
        reader ??= await begin();
        const { done, value } = await reader.read();
        if (done) close(controller);
        // Node's decompressor goes on writing behind these bytes, in a buffer that the stream would take away.
        else controller.enqueue(copyOf(value));
      } catch (error) {
        // What sealing and the network fail with must reach the consumer, not a decompressor's complaint about it.
        end.error ??= new TypeError('The body does not have its content encoding.', { cause: error });
        throw end.error;
      }
    },
    cancel: (reason) => (reader ?? encoded).cancel(reason),
  });
}

/** Subresource Integrity, "do bytes match metadataList": the strongest hash named counts. */
async function checked(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  integrity: string,
  end: BodyEnd,
): Promise<Uint8Array<ArrayBuffer>> {
  // Without a body nothing matches, whatever is wanted.
  if (body === null) throw mismatch();
  const bytes = new Uint8Array((await readWhole(new Response(body), 'arrayBuffer', end)) as ArrayBuffer);
  const wanted = [...integrity.matchAll(/(?:^|\s)sha(256|384|512)-([\w+/-]+)={0,2}(?:\?\S*)?(?!\S)/g)];
  const strongest = wanted
    .map(([, bits]) => bits)
    .sort()
    .at(-1);
  if (strongest === undefined) return bytes;
  for (const [, bits, digest = ''] of wanted) {
    if (bits !== strongest) continue;
    const actual = String.fromCharCode(
      ...new Uint8Array(await crypto.subtle.digest(`SHA-${strongest}`, bytes)),
    );
    if (btoa(actual).replace(/=+$/, '') === digest.replaceAll('-', '+').replaceAll('_', '/')) return bytes;
  }
  throw mismatch();
}

function mismatch(): TypeError {
  return new TypeError('The response does not match the integrity metadata.');
}
