import { isSealwireError, SealwireError } from '@sealwire/core';
import { createSealedFetch } from '../index.ts';
import type { SealedFetchOptions } from '../options.ts';
import { answer } from './answer.ts';
import { type Failure, type FailureMessage, probePath, takeOver } from './messages.ts';
import type { FetchEvent, WorkerScope } from './scope.ts';

/** The options of `createSealedFetch()`, and what stays as it is. */
export interface SealRequestsOptions extends Omit<SealedFetchOptions, 'otherOrigins'> {
  /**
   * Paths of public files on the sealed origin, of the page itself first of all. GET and HEAD of them go out in clear;
   * an entry may end in `*`. Everything else is sealed.
   */
  except?: readonly string[];
}

/**
 * Makes a service worker seal what its pages send to one origin, by whatever means: `fetch`, XHR, EventSource, forms,
 * images. Called once, at the top of the worker's script. Each start of the worker does a handshake of its own; nothing
 * is stored.
 *
 * @example
 * sealRequests({ origin: 'https://app.example.com', identity: 'sw1…', except: ['/', '/assets/*'] });
 *
 * @throws SealwireError `invalid-option`, `worker-unavailable`
 */
export function sealRequests({ except = [], ...options }: SealRequestsOptions): void {
  const scope = globalThis as unknown as WorkerScope;
  if (scope.skipWaiting === undefined) {
    throw new SealwireError('worker-unavailable', 'sealRequests() belongs into the script of one.');
  }
  if (!Array.isArray(except) || !except.every((path) => typeof path === 'string' && path.startsWith('/'))) {
    throw new SealwireError('invalid-option', '`except` is a list of paths, such as "/" and "/assets/*".');
  }
  const { origin } = options;
  const sealedFetch = createSealedFetch(options);

  scope.addEventListener('install', (event) => event.waitUntil(scope.skipWaiting()));
  scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));
  scope.addEventListener('message', (event) => {
    if (event.data !== takeOver) return;
    event.waitUntil(scope.clients.claim().then(() => event.ports[0]?.postMessage(origin)));
  });
  scope.addEventListener('fetch', (event) => {
    const url = new URL(event.request.url);
    if (url.origin !== origin) return;
    if (url.pathname === probePath) event.respondWith(answerProbe());
    else if (!isSealedAlready(event.request, url) && !isExcepted(event.request, url))
      event.respondWith(respond(event));
  });

  async function answerProbe(): Promise<Response> {
    try {
      await sealedFetch.ready();
      return Response.json(null);
    } catch (error) {
      return Response.json(failureOf(error) ?? { code: 'handshake-failed', message: String(error) });
    }
  }

  async function respond({ request, clientId }: FetchEvent): Promise<Response> {
    const { method, url } = request;
    const tell = async (error: unknown) => {
      const failure = failureOf(error);
      if (failure === undefined) return;
      console.error(`${method} ${url}: ${failure.code}: ${failure.message}`);
      const message: FailureMessage = { type: 'sealwire-failure', failure, method, url };
      (await scope.clients.get(clientId))?.postMessage(message);
    };
    try {
      return await answer(sealedFetch, request, tell);
    } catch (error) {
      tell(error);
      return Response.error();
    }
  }

  /** What the page's own sealed fetch sent, and what that asks for. */
  function isSealedAlready({ headers }: Request, { pathname }: URL): boolean {
    return headers.has('sealwire') || /^\/\.well-known\/sealwire(?:\/|$)/.test(pathname);
  }

  /** Whatever carries a body is sealed in any case. */
  function isExcepted({ method }: Request, { pathname }: URL): boolean {
    if (method !== 'GET' && method !== 'HEAD') return false;
    return except.some((path) =>
      path.endsWith('*') ? pathname.startsWith(path.slice(0, -1)) : pathname === path,
    );
  }
}

function failureOf(error: unknown): Failure | undefined {
  return isSealwireError(error) ? { code: error.code, message: error.message } : undefined;
}
