import type { IncomingMessage } from 'node:http';
import { Failure } from '../failure.ts';
import type { Flags } from '../flags.ts';
import type { Wanted } from './request.ts';

const statuses = new Set([301, 302, 303, 307, 308]);
const ofBodies = new Set(['content-type', 'content-length', 'transfer-encoding', 'content-encoding']);

/**
 * What a redirect asks for next; undefined if the response is none.
 * @throws Failure if it leads away from the sealed origin
 */
export function redirected(
  flags: Flags,
  wanted: Wanted,
  { statusCode = 0, headers: { location } }: IncomingMessage,
): Wanted | undefined {
  if (!statuses.has(statusCode) || location === undefined) return undefined;
  if (!URL.canParse(location, wanted.url)) throw new Failure(3, 'url', 'The redirect leads to no URL.');
  const url = new URL(location, wanted.url);
  if (url.origin !== wanted.url.origin)
    throw new Failure(
      1,
      'redirect-refused',
      `The redirect leads to ${url.origin}, which is not the sealed origin.`,
    );
  url.hash = '';
  const { body } = wanted;
  const becomesGet =
    body !== undefined && (statusCode === 303 || (statusCode < 303 && !flags.has('upload-file')));
  if (!becomesGet) return { ...wanted, url };
  const headers = wanted.headers.filter(([name]) => !ofBodies.has(name.toLowerCase()));
  // A method that was spelt out stays, as with curl.
  return { url, method: flags.last('request') ?? 'GET', headers, body: undefined };
}
