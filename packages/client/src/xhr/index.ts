import type { PlatformFetch, PlatformInit } from '../options.ts';
import { nullBodyStatuses } from '../response.ts';

/**
 * A platform fetch for the option `fetch` that tells the progress of uploads over HTTP/1.1, too: what the platform's
 * fetch cannot, XMLHttpRequest can. It sends whole bodies whose progress somebody asks for, and leaves everything else,
 * and what XMLHttpRequest has no words for, to the platform's fetch. The answer to such an upload arrives as a whole.
 *
 * @example
 * const sealedFetch = createSealedFetch({ origin, identity, fetch: xhrFetch() });
 * await sealedFetch('/files', { method: 'POST', body: file, onUploadProgress: ({ loaded, total }) => … });
 */
export function xhrFetch(): PlatformFetch {
  return (url, init) => (isForXhr(init) ? send(url, init) : fetch(url, init));
}

/** Members that XMLHttpRequest has nothing for. */
const unspoken = ['keepalive', 'referrer', 'referrerPolicy', 'window'] as const;

function isForXhr(init: PlatformInit): boolean {
  return (
    init.onSent !== undefined &&
    // Service workers and Node have none.
    'XMLHttpRequest' in globalThis &&
    init.credentials !== 'omit' &&
    (init.mode ?? 'cors') === 'cors' &&
    unspoken.every((name) => init[name] === undefined || init[name] === false)
  );
}

/** @throws TypeError where the network fails, and the reason of the signal, as the platform's fetch */
async function send(url: string, init: PlatformInit): Promise<Response> {
  // Resolved as fetch does it.
  const { url: target } = new Request(url);
  return responseOf(await loaded(target, init), target);
}

function loaded(url: string, { method = 'GET', headers, body, credentials, signal, onSent }: PlatformInit) {
  return new Promise<XMLHttpRequest>((resolve, reject) => {
    signal?.throwIfAborted();
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    xhr.responseType = 'arraybuffer';
    xhr.withCredentials = credentials === 'include';
    for (const [name, value] of new Headers(headers)) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = ({ loaded: sent, total }) => onSent?.(sent / total);
    xhr.onload = () => resolve(xhr);
    xhr.onerror = () => reject(new TypeError('Failed to send by XMLHttpRequest.'));
    xhr.onabort = () => reject(signal?.reason);
    const abort = () => xhr.abort();
    signal?.addEventListener('abort', abort);
    xhr.onloadend = () => signal?.removeEventListener('abort', abort);
    xhr.send(body as XMLHttpRequestBodyInit);
  });
}

function responseOf(xhr: XMLHttpRequest, url: string): Response {
  // It follows redirects by itself. What came of that is no answer: `redirect: 'manual'` would have shown this.
  if (xhr.responseURL !== url.split('#', 1)[0]) {
    return Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' });
  }
  const headers = new Headers();
  for (const line of xhr.getAllResponseHeaders().trim().split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1));
  }
  const { status, statusText } = xhr;
  return new Response(nullBodyStatuses.has(status) ? null : xhr.response, { status, statusText, headers });
}
