import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps, Agent as TlsAgent } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SealwireError } from '@sealwire/core';
import type { PlatformFetch } from '../options.ts';
import { nullBodyStatuses } from '../response.ts';
import { bodyStream } from './body-stream.ts';

export interface NodeFetchOptions {
  /** Options of TLS (`ca`, `cert`, `key`, `rejectUnauthorized`), and of connections. Default: `{ keepAlive: true }`. */
  agent?: Agent | TlsAgent;
  /** Where to connect to instead of the URL's host, which is still the one that is named to it: `http://127.0.0.1:3000`. */
  connectTo?: string;
}

/**
 * A platform fetch over `node:http` and `node:https`, for what Node's own does not do: an agent with certificates of
 * one's own, another address to connect to, GET with a body, responses that stay silent for more than five minutes.
 * It follows no redirects and keeps no cookies.
 *
 * @example
 * const agent = new Agent({ ca: readFileSync('ca.pem') }); // of node:https
 * const sealedFetch = createSealedFetch({ origin, identity, fetch: nodeFetch({ agent }) });
 *
 * @throws SealwireError `invalid-option`
 */
export function nodeFetch({ agent, connectTo }: NodeFetchOptions = {}): PlatformFetch {
  if (agent !== undefined && !(agent instanceof Agent))
    throw new SealwireError('invalid-option', '`agent` is an Agent of node:http or node:https.');
  const address = connectTo === undefined ? undefined : resolveAddress(connectTo);
  const agents: Record<string, Agent> = {
    'http:': agent ?? new Agent({ keepAlive: true }),
    'https:': agent ?? new TlsAgent({ keepAlive: true }),
  };

  return async function fetchByNode(input, init) {
    init.signal?.throwIfAborted();
    const url = new URL(input);
    const { protocol, hostname, port } = address ?? url;
    const outgoing = (protocol === 'https:' ? requestHttps : requestHttp)({
      protocol,
      // A URL writes IPv6 addresses in brackets.
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      servername: url.hostname,
      path: url.pathname + url.search,
      method: init.method ?? 'GET',
      agent: agents[protocol],
      ...(init.signal && { signal: init.signal }),
    });
    outgoing.setHeader('host', url.host);
    for (const [name, value] of new Headers(init.headers)) outgoing.appendHeader(name, value);
    return exchange(outgoing, init.body);
  };
}

function resolveAddress(connectTo: string): URL {
  const url = URL.canParse(connectTo) ? new URL(connectTo) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new SealwireError('invalid-option', '`connectTo` looks like "http://127.0.0.1:3000".');
  return url;
}

function exchange(outgoing: ClientRequest, body: RequestInit['body']): Promise<Response> {
  return new Promise((resolve, reject) => {
    outgoing.on('response', (incoming) => resolve(responseOf(incoming)));
    // After a response it says why the rest of the request was not taken, and the response tells of its own end.
    outgoing.on('error', (cause) => {
      reject(cause.name === 'AbortError' ? cause : new TypeError('fetch failed', { cause }));
    });
    send(outgoing, body);
  });
}

function send(outgoing: ClientRequest, body: RequestInit['body']): void {
  if (body === undefined || body === null) {
    outgoing.end();
  } else if (typeof body === 'string' || body instanceof Uint8Array) {
    outgoing.setHeader('content-length', Buffer.byteLength(body));
    outgoing.end(body);
  } else {
    if (body instanceof Blob) outgoing.setHeader('content-length', body.size);
    const stream = body instanceof Blob ? body.stream() : (body as ReadableStream<Uint8Array>);
    // Its error is heard as that of the request.
    pipeline(Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]), outgoing).catch(() => {});
  }
}

function responseOf(incoming: IncomingMessage): Response {
  const status = incoming.statusCode as number;
  const headers = new Headers();
  const { rawHeaders } = incoming;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    headers.append(rawHeaders[i] as string, rawHeaders[i + 1] as string);
  const bodiless = nullBodyStatuses.has(status);
  if (bodiless) incoming.resume();
  return new Response(bodiless ? null : bodyStream(incoming, 'destroy'), { status, headers });
}
