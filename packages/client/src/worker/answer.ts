import { isOuterResponseField, SealwireError } from '@sealwire/core';
import type { SealedFetch, SealedRequestInit, SealedResponse } from '../index.ts';
import { pulled } from '../pulled.ts';
import { isRedirect } from '../redirect.ts';

/** Fields that browsers add by themselves, and would add to the sealed request again. */
const ofBrowser = ['upgrade-insecure-requests', 'user-agent', 'save-data', 'purpose'];

/**
 * Sends what a page asked for sealed, and answers as the server would have: redirects are the browser's to follow.
 * @param failed hears of a body that breaks off after its head
 * @throws SealwireError; the platform's errors as they are
 */
export async function answer(
  sealedFetch: SealedFetch,
  request: Request,
  failed: (error: unknown) => void,
): Promise<Response> {
  const response = await sealedFetch(request.url, await sealedInit(request));
  const { status, statusText, body } = response;
  const headers = responseHeaders(response);
  const location = headers.get('location');
  if (isRedirect(status) && location !== null) {
    // A response that a worker makes has no URL that a relative one could be resolved against.
    headers.set('location', checkedTarget(request, status, new URL(location, request.url)).href);
  }
  return new Response(body && watched(body, failed), { status, statusText, headers });
}

async function sealedInit(request: Request): Promise<SealedRequestInit> {
  const { method, cache, credentials, keepalive, referrer, referrerPolicy, signal } = request;
  const headers = new Headers(request.headers);
  for (const name of ofBrowser) headers.delete(name);
  // As a Blob a body has a length, can be sent again, and need not fit into memory.
  const body = method === 'GET' || method === 'HEAD' ? null : await request.blob();
  return {
    method,
    headers,
    // Of a body without a byte its type is among the headers all the same.
    body: body?.size ? body : null,
    cache,
    credentials,
    keepalive,
    // Also for what a page would not be allowed to read, such as an image: the worker has to open it.
    mode: 'cors',
    redirect: 'manual',
    referrer,
    referrerPolicy,
    signal,
  };
}

/** The fields inside, and of those outside what belongs there: cross-origin rules, policies, dates. */
function responseHeaders({ headers: inner, sealed }: SealedResponse): Headers {
  const headers = new Headers(inner);
  for (const [name, value] of sealed.outer) {
    if (isOuterResponseField(name) && !inner.has(name)) headers.append(name, value);
  }
  return headers;
}

/** The browser would follow in the clear: away from the sealed origin goes nothing that was sealed. */
function checkedTarget(request: Request, status: number, target: URL): URL {
  const { origin } = new URL(request.url);
  const stays = target.origin === origin || (request.redirect !== 'follow' && request.mode !== 'navigate');
  const becomesGet = status !== 307 && status !== 308;
  // Somebody who follows a link has given nothing but the link; a form is left behind.
  const leavesWithNothing = request.mode === 'navigate' && (becomesGet || request.method === 'GET');
  if (stays || leavesWithNothing) return target;
  throw new SealwireError('redirect-refused', `From ${origin} to ${target.origin}.`);
}

function watched(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  failed: (error: unknown) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return pulled(
    async () => {
      try {
        return await reader.read();
      } catch (error) {
        failed(error);
        throw error;
      }
    },
    (reason) => reader.cancel(reason),
  );
}
