import { SealwireError } from '@sealwire/core';
import { bodyLength } from './body.ts';
import { call } from './call.ts';
import type { InspectListener, InspectOptions } from './inspect.ts';
import { resolveClientOptions, type SealedFetchOptions } from './options.ts';
import { isRequest, makePlan, type Plan, type SealedCallInit, type SealedRequestInit } from './plan.ts';
import { isRedirect, nextHop } from './redirect.ts';
import { makeResponse, type SealedResponse } from './response.ts';
import { SessionManager } from './session-manager.ts';

export { type ErrorCode, isSealwireError, SealwireError } from '@sealwire/core';
export type {
  InspectEvent,
  InspectEvents,
  InspectListener,
  InspectOptions,
} from './inspect.ts';
export type {
  Clock,
  ConfigurationStorage,
  PlatformFetch,
  PlatformInit,
  SealedFetchOptions,
} from './options.ts';
export type { Progress, SealedCallInit, SealedRequestInit } from './plan.ts';
export type { OuterResponse, SealedResponse } from './response.ts';

/** `fetch`, sealed for one origin. */
export interface SealedFetch {
  (input: RequestInfo | URL, init?: SealedCallInit | null): Promise<SealedResponse>;
  /** Does the handshake ahead, so that the first call has nothing to wait for. */
  ready(): Promise<void>;
  /**
   * For development: tells what the app sees and what travels, call by call.
   * @returns what ends it
   * @throws SealwireError `inspection-refused` where NODE_ENV is `production`, unless the option `inspect` says so
   */
  inspect(listener: InspectListener, options?: InspectOptions): Promise<() => void>;
}

const maxRedirects = 20;

/**
 * Makes a `fetch` that seals every request to one origin and opens every response. It takes and returns what the
 * platform's fetch does, fails as that fails where the network does, and never falls back to plaintext.
 *
 * @example
 * const sealedFetch = createSealedFetch({ origin: 'https://api.example.com', identity: 'sw1…' });
 * const response = await sealedFetch('/orders', { method: 'POST', body: JSON.stringify(order) });
 *
 * @throws SealwireError `invalid-option`, `crypto-unavailable`
 */
export function createSealedFetch(options: SealedFetchOptions): SealedFetch {
  const settings = resolveClientOptions(options);
  if (globalThis.crypto?.subtle === undefined) {
    throw new SealwireError('crypto-unavailable', 'Browsers offer it on https:// and http://localhost only.');
  }
  const sessions = new SessionManager(settings);

  async function sealedFetch(
    input: RequestInfo | URL,
    given?: SealedCallInit | null,
  ): Promise<SealedResponse> {
    const init = (given ?? {}) as SealedRequestInit;
    const url = new URL(isRequest(input) ? input.url : input, base(settings.origin));
    if (url.origin !== settings.origin) {
      if (!settings.fetchOtherOrigins) throw otherOrigin(url, settings.origin);
      return settings.fetch(input as string, init) as Promise<SealedResponse>;
    }
    const plan = await makePlan(input, init, url);
    const { inspector } = settings;
    return inspector === undefined ? follow(plan) : inspector.call(plan, bodyLength(plan.body), follow);
  }

  /** Calls, and calls where redirects lead. */
  async function follow(first: Plan): Promise<SealedResponse> {
    let plan = first;
    for (let hops = 0; ; hops++) {
      plan.signal?.throwIfAborted();
      if (plan.url.pathname.startsWith('//')) throw twoSlashes();
      const { head, message, outer } = await call(settings, sessions, plan);
      const fields = head.fields.filter(([name]) => !name.startsWith('sealwire'));
      const next = isRedirect(head.status) ? followed(plan, head.status, fields) : undefined;
      if (next === undefined) return makeResponse(head, fields, message, outer, plan, hops > 0);
      message.cancel(undefined).catch(() => {});
      if (hops === maxRedirects) throw new TypeError('Too many redirects.');
      if (next.url.origin !== settings.origin) return leave(next);
      plan.watch?.redirected(head.status, next.url);
      plan = next;
    }
  }

  function followed(
    plan: Plan,
    status: number,
    fields: readonly (readonly [string, string])[],
  ): Plan | undefined {
    if (plan.redirect === 'manual') return undefined;
    if (plan.redirect === 'error')
      throw new TypeError('The server answered with a redirect, and `redirect` is "error".');
    const location = fields.find(([name]) => name === 'location')?.[1] ?? null;
    return nextHop(plan, status, location, settings.origin);
  }

  async function leave({ url, method, headers, signal, platform }: Plan): Promise<SealedResponse> {
    if (!settings.fetchOtherOrigins) {
      throw new SealwireError('redirect-refused', `To ${url.origin}; see the option \`otherOrigins\`.`);
    }
    const init = { ...platform, method, headers, ...(signal && { signal }) };
    const response = await settings.fetch(url.href, init);
    return Object.defineProperty(response, 'redirected', { value: true }) as SealedResponse;
  }

  return Object.assign(sealedFetch, {
    async ready() {
      await sessions.acquire();
    },
    async inspect(listener: InspectListener, options: InspectOptions = {}) {
      const { Inspector, inProduction } = await import('./inspect.ts');
      if (settings.inspect !== 'production' && inProduction()) throw new SealwireError('inspection-refused');
      settings.inspector ??= new Inspector();
      return settings.inspector.add(listener, options);
    },
  });
}

/** What relative URLs are relative to: the page where it is of the sealed origin, else that origin. */
function base(origin: string): string {
  const page = globalThis.document?.baseURI ?? globalThis.location?.href;
  return page !== undefined && URL.canParse(page) && new URL(page).origin === origin ? page : origin;
}

/** The server refuses such a path: what is behind the slashes would be a host to whoever resolves it as a reference. */
function twoSlashes(): SealwireError {
  return new SealwireError(
    'malformed',
    'The path of the URL begins with two slashes; it may begin with one.',
  );
}

function otherOrigin(url: URL, origin: string): SealwireError {
  return new SealwireError(
    'other-origin',
    `${url.origin} is not ${origin}; see the option \`otherOrigins\`.`,
  );
}
