import { createSealedFetch, type SealedFetch, type SealedFetchOptions } from '@sealwire/client';
import { pin } from './servers.ts';

/** A sealed fetch for a server of the tests, pinned to its identity. */
export function clientOf(
  server: { origin: string; pin?: string },
  options: Partial<SealedFetchOptions> = {},
): SealedFetch {
  const trusted = options.trust === undefined ? { identity: server.pin ?? pin } : {};
  return createSealedFetch({ origin: server.origin, suites: ['X25519'], ...trusted, ...options });
}

/** Resolves when the platform's fetch knows that its connections to a server that was closed are gone. */
export async function connectionsGone(origin: string): Promise<void> {
  for (;;) {
    const cause = await fetch(origin).then(
      () => undefined,
      (error: Error) => error.cause as NodeJS.ErrnoException | undefined,
    );
    // Only a new connection is refused: of the old ones none is left.
    if (cause?.code === 'ECONNREFUSED') return;
  }
}

/** What the platform's fetch was asked and what it got: what the path sees. */
export interface Seen {
  readonly url: string;
  readonly path: string;
  readonly method: string;
  readonly headers: Headers;
  readonly init: RequestInit;
  /** Bytes of the request as far as they were sent. */
  readonly sent: Uint8Array[];
  status: number | undefined;
  responseHeaders: Headers | undefined;
  /** Bytes of the response as far as they arrived. */
  readonly received: Uint8Array[];
}

/** What a {@link recordingFetch} may change on the way. */
export interface Alterations {
  /** Answers instead of the network, or changes what goes there; undefined: as it is. */
  request?(
    url: string,
    init: RequestInit,
  ): RequestInit | Response | undefined | Promise<RequestInit | Response | undefined>;
  /** Changes what comes back; undefined: as it is. */
  response?(
    response: Response,
    url: string,
    init: RequestInit,
  ): Response | undefined | Promise<Response | undefined>;
}

export interface RecordingFetch {
  (url: string, init: RequestInit): Promise<Response>;
  readonly seen: Seen[];
  /** How many handshakes went out. */
  readonly handshakes: number;
  /** The exchanges, without configuration and handshakes. */
  readonly exchanges: Seen[];
}

/** A platform fetch that remembers what it sees and may change it. */
export function recordingFetch(alter: Alterations = {}): RecordingFetch {
  const seen: Seen[] = [];
  async function fetchAndRecord(url: string, given: RequestInit): Promise<Response> {
    const entry: Seen = {
      url,
      path: new URL(url).pathname,
      method: given.method ?? 'GET',
      headers: new Headers(given.headers),
      init: given,
      sent: [],
      status: undefined,
      responseHeaders: undefined,
      received: [],
    };
    seen.push(entry);
    const altered = await alter.request?.(url, given);
    const init = altered === undefined || altered instanceof Response ? given : altered;
    const body = await watchedBody(init.body, entry.sent);
    const platform = altered instanceof Response ? altered : await fetch(url, { ...init, ...body });
    const response = (await alter.response?.(platform, url, init)) ?? platform;
    entry.status = response.status;
    entry.responseHeaders = response.headers;
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(watching(entry.received)), { status, statusText, headers });
  }
  return Object.defineProperties(fetchAndRecord, {
    seen: { value: seen },
    handshakes: { get: () => seen.filter(({ path }) => path.endsWith('/handshake')).length },
    exchanges: { get: () => seen.filter(({ path }) => !path.startsWith('/.well-known/')) },
  }) as RecordingFetch;
}

async function watchedBody(body: RequestInit['body'], into: Uint8Array[]): Promise<RequestInit> {
  if (body === undefined || body === null) return {};
  if (body instanceof ReadableStream) return { body: body.pipeThrough(watching(into)) };
  into.push(new Uint8Array(await new Response(body).arrayBuffer()));
  return { body };
}

function watching(into: Uint8Array[]): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream(
    {
      transform(chunk, controller) {
        into.push(chunk.slice());
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: 1 },
    { highWaterMark: 0 },
  );
}
