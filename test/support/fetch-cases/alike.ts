import { isOuterResponseField } from '@sealwire/core';
import type { Observation } from './observe.ts';

export type Platform = 'Node' | 'Chromium';

/** Cases that are not the same by their nature, and why. */
const exceptions: Record<Platform, Record<string, string>> = {
  Node: {
    'a URL with an empty query': 'undici drops the mark, the fetch standard and browsers keep it',
    'a URL object with an empty query': 'likewise',
    'fields that no caller sets': 'undici throws, browsers drop them, and so does Sealwire everywhere',
    'cache only-if-cached of the same origin': 'undici has no cache and takes no notice',
    'POST with a stream of strings': 'undici takes them; for the fetch standard it is a TypeError',
  },
  Chromium: {
    ...Object.fromEntries(
      [301, 302, 303, 307, 308].map((status) => [
        `GET answered with ${status}, manual`,
        'A browser hides the redirect; a sealed one travels inside and is shown, as in Node',
      ]),
    ),
    'GET answered with hangup':
      'the browser may send it again by itself, and the server says that it has come before: `replayed`',
  },
};

export function isException(platform: Platform, name: string): boolean {
  return name in exceptions[platform];
}

/** An observation without what differs by nature in every case. */
export function alike(observed: unknown, platform: Platform): unknown {
  if (Array.isArray(observed)) return observed.map((each) => alike(each, platform));
  if (!isObservation(observed)) return observed;
  const { head, fields, body, bodyError, used, hasBody, seen } = observed;
  const [status] = head;
  // Of a response without a body, browsers but for Chromium say that it has none (fetch standard, "null body status").
  const bodiless = seen?.method === 'HEAD' || [204, 205, 304].includes(status);
  return {
    head,
    // What browsers and proxies act on travels outside: it is in `response.sealed.outer`.
    fields: fields.filter((field) => !isOuterResponseField(field.split(':', 1)[0] as string)),
    ...(platform === 'Chromium' && bodiless ? {} : { body, bodyError, used, hasBody }),
    seen: seen && { ...seen, fields: requestFields(seen, platform) },
  };
}

function requestFields({ fields, length }: NonNullable<Observation['seen']>, platform: Platform): string[] {
  const conditional = fields.some((field) => field.startsWith('if-'));
  const differs = (field: string) =>
    // How an empty body is framed is decided otherwise by each platform.
    (length === 0 && /^(?:content-length: 0|transfer-encoding: chunked)$/.test(field)) ||
    // A conditional request passes the platform's cache by; there is none of sealed responses.
    (conditional && /^(?:cache-control|pragma):/.test(field)) ||
    // The codings are those that the client can undo itself; browsers take no others from a caller.
    (platform === 'Chromium' && field.startsWith('accept-encoding:')) ||
    // The client has to read what the page may not, so that it knows no `no-cors`.
    field.startsWith('sec-fetch-mode:');
  return fields.filter((field) => !differs(field));
}

function isObservation(value: unknown): value is Observation {
  return typeof value === 'object' && value !== null && 'head' in value;
}
