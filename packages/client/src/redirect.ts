import { isOuterRequestField, SealwireError } from '@sealwire/core';
import { noBody } from './body.ts';
import type { Plan } from './plan.ts';

const redirectStatuses = new Set([301, 302, 303, 307, 308]);
/** Fields that go with a body (fetch standard, "request-body-header name"). */
const bodyFields = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
];

/** True for a status that a client may follow. */
export function isRedirect(status: number): boolean {
  return redirectStatuses.has(status);
}

/**
 * The plan for the next hop by the fetch standard's rules (HTTP-redirect fetch), from the sealed status and location.
 * @returns undefined if there is nowhere to go
 * @throws TypeError where the platform's fetch would; SealwireError `redirect-refused`
 */
export function nextHop(
  plan: Plan,
  status: number,
  location: string | null,
  origin: string,
): Plan | undefined {
  if (location === null) return undefined;
  const url = new URL(location, plan.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TypeError('A redirect leads to HTTP(S) only.');
  if (url.hash === '') url.hash = plan.url.hash;
  if (status !== 303 && plan.body.kind === 'stream') {
    throw new TypeError('A stream body cannot be sent again to where the redirect leads.');
  }
  const { method } = plan;
  const headers = new Headers(plan.headers);
  const becomesGet =
    ((status === 301 || status === 302) && method === 'POST') ||
    (status === 303 && method !== 'GET' && method !== 'HEAD');
  if (becomesGet) for (const name of bodyFields) headers.delete(name);
  const next: Plan = { ...plan, url, headers, ...(becomesGet ? { method: 'GET', body: noBody } : {}) };
  return url.origin === origin ? next : leaving(next, origin);
}

/** Away from the sealed origin goes nothing that was sealed. */
function leaving(plan: Plan, origin: string): Plan {
  if ((plan.method !== 'GET' && plan.method !== 'HEAD') || plan.body.kind !== 'none') {
    throw new SealwireError('redirect-refused', `From ${origin} to ${plan.url.origin}.`);
  }
  const headers = new Headers();
  for (const [name, value] of plan.headers) {
    if (isOuterRequestField(name) && name !== 'cookie') headers.set(name, value);
  }
  return { ...plan, headers };
}
