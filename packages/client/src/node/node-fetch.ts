import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps, Agent as TlsAgent } from 'node:https';
import { isIP } from 'node:net';
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
      hostname: withoutBrackets(hostname),
      port,
      // TLS has no names that are addresses (RFC 6066, section 3).
      servername: isIP(withoutBrackets(url.hostname)) ? '' : url.hostname,
      path: url.pathname + url.search,
      method: init.method ?? 'GET',
      agent: agents[protocol],
      ...(init.signal && { signal: init.signal }),
    });
    outgoing.setHeader('host', url.host);
    for (const [name, value] of new Headers(init.headers)) outgoing.appendHeader(name, value);
    return exchange(outgoing, init);
  };
}

/** A URL writes IPv6 addresses in brackets. */
function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function resolveAddress(connectTo: string): URL {
  const url = URL.canParse(connectTo) ? new URL(connectTo) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new SealwireError('invalid-option', '`connectTo` looks like "http://127.0.0.1:3000".');
  return url;
}

function exchange(outgoing: ClientRequest, { body, signal }: RequestInit): Promise<Response> {
  const reason = () => (signal?.aborted ? signal.reason : undefined);
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(reason() ?? new TypeError('fetch failed', { cause }));
    outgoing.on('response', (incoming) => {
      try {
        resolve(responseOf(incoming, reason));
      } catch (error) {
        // A status that a `Response` cannot have.
        outgoing.destroy();
        fail(error);
      }
    });
    // After a response it says why the rest of the request was not taken, and the response tells of its own end.
    outgoing.on('error', fail);
    // A switch of protocols that nobody asked for is neither.
    outgoing.on('close', () => fail(new Error('The connection was closed without an answer.')));
    send(outgoing, body, fail);
  });
}

function send(outgoing: ClientRequest, body: RequestInit['body'], fail: (cause: unknown) => void): void {
  if (body === undefined || body === null) {
    outgoing.end();
  } else if (typeof body === 'string' || body instanceof Uint8Array) {
    outgoing.setHeader('content-length', Buffer.byteLength(body));
    outgoing.end(body);
  } else {
    if (body instanceof Blob) outgoing.setHeader('content-length', body.size);
    // Of a GET, DELETE or OPTIONS Node would not frame it: the server would read the body as the next request.
    else outgoing.setHeader('transfer-encoding', 'chunked');
    const stream = body instanceof Blob ? body.stream() : (body as ReadableStream<Uint8Array>);
    pour(stream.getReader(), outgoing).catch((cause) => {
      fail(cause);
      outgoing.destroy();
    });
  }
}

/**
 * Sends a body no faster than the socket takes it. A response may be over before: Node then emits no `drain` any more, so
 * it is the callbacks that tell.
 */
async function pour(body: ReadableStreamDefaultReader<Uint8Array>, outgoing: ClientRequest): Promise<void> {
  // Of a request that was hung up nobody wants the rest.
  outgoing.once('close', () => body.cancel().catch(() => {}));
  for (;;) {
    const { done, value } = await body.read();
    if (outgoing.destroyed) return;
    if (done) break;
    await new Promise<unknown>((resolve) => {
      outgoing.once('close', resolve);
      outgoing.write(value, () => {
        outgoing.off('close', resolve);
        resolve(undefined);
      });
    });
  }
  outgoing.end();
}

function responseOf(incoming: IncomingMessage, reason: () => unknown): Response {
  const status = incoming.statusCode as number;
  const headers = new Headers();
  const { rawHeaders } = incoming;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    headers.append(rawHeaders[i] as string, rawHeaders[i + 1] as string);
  if (!nullBodyStatuses.has(status)) {
    const body = bodyStream(incoming, (message) => message.destroy(), reason);
    return new Response(body, { status, headers });
  }
  incoming.resume();
  return new Response(null, { status, headers });
}
