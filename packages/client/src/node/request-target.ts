import type { IncomingMessage } from 'node:http';
import { SealwireError } from '@sealwire/core';

/**
 * The URL that a request to a gateway is for: its path at the origin, or the whole URL that it names, as to a proxy. It is
 * written as the URL standard writes it, without dot segments.
 * @throws SealwireError `malformed`, `other-origin`
 */
export function targetOf({ url: target = '' }: IncomingMessage, origin: string): URL {
  const text = target.startsWith('/') ? origin + target : target;
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new SealwireError('malformed', 'The target of a request is a path, or a URL of the sealed origin.');
  const url = new URL(text);
  if (url.origin !== origin) throw new SealwireError('other-origin', `${url.origin} is not ${origin}.`);
  if (url.pathname.startsWith('//'))
    throw new SealwireError('malformed', 'The path begins with two slashes; it may begin with one.');
  return url;
}
