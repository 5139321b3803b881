import {
  copyOf,
  encodeBase64Url,
  type Field,
  type ResponseHead,
  reasonField,
  usualReason,
} from '@sealwire/core';
import { contentCodings, decompression, isDecodable, undecodable } from './codings.ts';
import type { MessageReader } from './open-message.ts';
import type { Plan } from './plan.ts';
import { pulled } from './pulled.ts';

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

/** The reason phrase as the server has it; over HTTP/2 it has none. */
function reasonOf({ status, fields }: ResponseHead): string {
  return fields.find(([name]) => name === reasonField)?.[1] ?? (status === 200 ? usualReason : '');
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
  return pulled(
    async () => {
      const value = await message.body().catch((error) => {
        end.error = error;
        throw error;
      });
      if (value === undefined) return { done: true };
      loaded += value.length;
      plan.onDownloadProgress?.({ loaded, total });
      return { value: value as Uint8Array<ArrayBuffer> };
    },
    (reason) => message.cancel(reason),
    'bytes',
  );
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
    const early = [value];
    let stream = pulled(
      async () => (early.length > 0 ? { value: early.pop() } : encoded.read()),
      (reason) => encoded.cancel(reason),
    );
    for (const coding of [...codings].reverse()) stream = stream.pipeThrough(decompression(coding));
    return stream.getReader();
  }

  return pulled(
    async () => {
      try {
        reader ??= await begin();
        const { done, value } = await reader.read();
        // Node's decompressor goes on writing behind these bytes, in a buffer that the stream would take away.
        return { done, value: value && copyOf(value) };
      } catch (error) {
        // What sealing and the network fail with must reach the consumer, not a decompressor's complaint about it.
        end.error ??= new TypeError('The body does not have its content encoding.', { cause: error });
        throw end.error;
      }
    },
    (reason) => (reader ?? encoded).cancel(reason),
    'bytes',
  );
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
  const actual = encodeBase64Url(new Uint8Array(await crypto.subtle.digest(`SHA-${strongest}`, bytes)));
  const matches = wanted.some(
    ([, bits, digest = '']) =>
      bits === strongest && digest.replaceAll('+', '-').replaceAll('/', '_') === actual,
  );
  if (matches) return bytes;
  throw mismatch();
}

function mismatch(): TypeError {
  return new TypeError('The response does not match the integrity metadata.');
}
