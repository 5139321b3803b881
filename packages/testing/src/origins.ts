import type { IncomingMessage } from 'node:http';
import type { nodeFetch } from '@sealwire/client/node';
import { configurationPath, isSoundTarget, SealwireError } from '@sealwire/core';

/** The origins that the app under test can be called by: a list, or whatever a request says, as in development. */
export interface Origins {
  /** The one that its key configuration is asked for by. */
  readonly first: string;
  readonly listed: readonly string[] | undefined;
}

/**
 * Reads them in the app's key configuration, which is verified elsewhere.
 * @throws SealwireError `configuration-unavailable`
 */
export async function readOrigins(fetch: ReturnType<typeof nodeFetch>, scheme: string): Promise<Origins> {
  const local = `${scheme}://localhost`;
  const response = await fetch(local + configurationPath, {});
  const listed = audienceOf(await response.text());
  if (listed === undefined) {
    const answer = `GET ${configurationPath} was answered with ${response.status}.`;
    throw new SealwireError('configuration-unavailable', answer);
  }
  // In development a configuration is made for the host that asks, under both schemes.
  const any = listed.includes('http://localhost') && listed.includes('https://localhost');
  return any ? { first: local, listed: undefined } : { first: listed[0] as string, listed };
}

function audienceOf(configuration: string): readonly string[] | undefined {
  try {
    const { payload } = JSON.parse(configuration);
    const { aud } = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return Array.isArray(aud) && aud.length > 0 ? aud : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The URL that a test's request is sealed for: as `Host` says, and what a proxy in front says, if the app believes that.
 * Where they say nothing, the first of the origins that the app lists.
 * @param believed whether the app believes what a proxy says of a request's target
 * @throws SealwireError `malformed`
 */
export function targetOf(req: IncomingMessage, scheme: string, origins: Origins, believed: boolean): URL {
  const { method = '', url: path = '' } = req;
  const url = new URL(originOf(req, scheme, origins, believed) + path);
  if (
    !isSoundTarget({ method, path: url.pathname + url.search }) ||
    segments(url.pathname) !== segments(path)
  ) {
    throw new SealwireError(
      'malformed',
      `The test asks for ${method} ${path}. No client sends TRACE, a path that begins with two slashes, or "..".`,
    );
  }
  return url;
}

/** A URL resolves dots, and leaves out the segments that they name. */
function segments(path: string): number {
  return (path.split('?', 1)[0] as string).split('/').length;
}

function originOf(
  { headers, socket }: IncomingMessage,
  scheme: string,
  { first, listed }: Origins,
  believed: boolean,
): string {
  const own = `127.0.0.1:${socket.localPort}`;
  const forwarded = believed ? firstOf(headers['x-forwarded-host']) : undefined;
  const proto = believed ? firstOf(headers['x-forwarded-proto']) : undefined;
  const named = forwarded ?? headers.host ?? own;
  // What is no host no client can have called.
  const host = URL.canParse(`http://${named}`) && !/[/?#@\\]/.test(named) ? named : own;
  const origin = `${proto === 'http' || proto === 'https' ? proto : scheme}://${host}`;
  if (listed === undefined) return origin;
  return host === own ? first : closest(origin, host, listed);
}

/** A test that says the host only means the scheme that it is listed with. One that is not listed the app refuses. */
function closest(named: string, host: string, listed: readonly string[]): string {
  if (listed.includes(named)) return named;
  return listed.find((origin) => new URL(origin).host === host) ?? named;
}

function firstOf(field: string | string[] | undefined): string | undefined {
  const [first = ''] = String(field ?? '').split(',', 1);
  return first.trim() || undefined;
}
