import { type Field, type ResponseHead, reasonField } from '@sealwire/core';
import { contentCodings, decompression, isDecodable, undecodable } from './codings.ts';
import type { MessageReader } from './open-message.ts';
import type { Plan } from './plan.ts';
import { reasonPhrases } from './reason-phrases.ts';

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
  let body: ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer> | null = null;
  if (plan.method === 'HEAD' || nullBodyStatuses.has(head.status)) await drain(message);
  else body = decoded(streamOf(message, plan, headers), headers);
  if (plan.integrity !== '' && body !== null) body = await checked(body, plan.integrity);

  const status = head.status >= 200 && head.status <= 599 ? head.status : 200;
  const response = new Response(body, { status, statusText: reasonOf(head), headers });
  return decorate(response, {
    url: plan.url.href.split('#', 1)[0],
    redirected,
    type: outer.type === 'default' ? 'basic' : outer.type,
    // `new Response` takes no others, but a server may answer with any.
    ...(status === head.status ? {} : { status: head.status, ok: false }),
    sealed: { outer: outer.headers, status: outer.status },
  });
}

/** The reason phrase that the application gave, or else the standard one. */
function reasonOf({ status, fields }: ResponseHead): string {
  return fields.find(([name]) => name === reasonField)?.[1] ?? reasonPhrases[status] ?? '';
}

/** `new Response` has no URL: it gets one, and so does every clone. */
function decorate(response: Response, values: Record<string, unknown>): SealedResponse {
  for (const [name, value] of Object.entries(values)) Object.defineProperty(response, name, { value });
  const clone = () => decorate(Response.prototype.clone.call(response), values);
  Object.defineProperty(response, 'clone', { value: clone });
  return response as SealedResponse;
}

/** A response without a body is one only if its message ends. */
async function drain(message: MessageReader): Promise<void> {
  while ((await message.body()) !== undefined);
}

function streamOf(
  message: MessageReader,
  plan: Plan,
  headers: Headers,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const length = headers.get('content-length');
  const total = length === null ? undefined : Number(length);
  let loaded = 0;
  const source: UnderlyingSource<Uint8Array<ArrayBuffer>> = {
    async pull(controller) {
      const bytes = await message.body();
      if (bytes === undefined) {
        controller.close();
        // A pending read of a reader with a buffer of its own has to be answered, too.
        if ('byobRequest' in controller) controller.byobRequest?.respond(0);
        return;
      }
      loaded += bytes.length;
      controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
      plan.onDownloadProgress?.({ loaded, total });
    },
    cancel: (reason) => message.cancel(reason),
  };
  // Safari has readers with buffers of their own since 26.4; without them the body is a stream of chunks.
  if ('ReadableByteStreamController' in globalThis) source.type = 'bytes';
  return new ReadableStream(source, { highWaterMark: 0 });
}

/**
 * Undoes the content codings that the application's server applied inside. What cannot be undone is an error of the
 * body: to hand it on as it is would be taken for what the application said.
 */
function decoded(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  headers: Headers,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const codings = contentCodings(headers);
  if (codings.length === 0) return body;
  const unknown = codings.find((coding) => !isDecodable(coding));
  const encoded = body.getReader();
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  // Errors of sealing and of the network must reach the consumer as what they are, not as a decompressor's complaint.
  let failure: unknown;

  async function read() {
    try {
      return await encoded.read();
    } catch (error) {
      failure = error;
      throw error;
    }
  }

  /** What reads the body decoded. Nothing at all is an empty body in any coding. */
  async function begin() {
    const { done, value } = await read();
    if (done) return encoded;
    if (unknown !== undefined) {
      failure = undecodable(unknown);
      encoded.cancel(failure).catch(() => {});
      throw failure;
    }
    let early: Uint8Array<ArrayBuffer> | undefined = value;
    let stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        async pull(controller) {
          const next = early === undefined ? await read() : { done: false, value: early };
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

  return new ReadableStream(
    {
      async pull(controller) {
        try {
          reader ??= await begin();
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          controller.error(
            failure ?? new TypeError('The body does not have its content encoding.', { cause: error }),
          );
        }
      },
      cancel: (reason) => (reader ?? encoded).cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

const hashes: Record<string, [name: string, strength: number]> = {
  sha256: ['SHA-256', 1],
  sha384: ['SHA-384', 2],
  sha512: ['SHA-512', 3],
};

/** Subresource Integrity, "do bytes match metadataList": the strongest hash named counts. */
async function checked(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  integrity: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(await new Response(body).arrayBuffer());
  const wanted = [
    ...integrity.matchAll(/(?:^|\s)(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+)={0,2}(?:\?\S*)?(?=\s|$)/g),
  ].map(([, algorithm = '', digest = '']) => ({ hash: hashes[algorithm] as [string, number], digest }));
  const strongest = Math.max(0, ...wanted.map(({ hash }) => hash[1]));
  if (strongest === 0) return bytes;
  for (const { hash, digest } of wanted) {
    if (hash[1] !== strongest) continue;
    const actual = String.fromCharCode(...new Uint8Array(await crypto.subtle.digest(hash[0], bytes)));
    if (btoa(actual).replace(/=+$/, '') === digest.replaceAll('-', '+').replaceAll('_', '/')) return bytes;
  }
  throw new TypeError('The response does not match the integrity metadata.');
}
