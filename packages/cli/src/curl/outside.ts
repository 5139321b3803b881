import type { GatewayOptions } from '@sealwire/client/node';
import { suiteById } from '@sealwire/core';

type Fetch = NonNullable<GatewayOptions['fetch']>;

/** What the path sees of a request: nothing of it is a secret. */
export interface Outside {
  readonly fetch: Fetch;
  /** A line per request that went out since this was asked last. */
  lines(): string[];
  /** What the network failed with last. */
  failure(): NodeJS.ErrnoException | undefined;
}

interface Seen {
  readonly what: string;
  status: string;
  up: number;
  down: number;
}

/** A platform fetch that tells what it saw. */
export function watch(fetch: Fetch): Outside {
  let seen: Seen[] = [];
  let failure: NodeJS.ErrnoException | undefined;
  return {
    async fetch(input, init) {
      const { method = 'GET', body } = init;
      const entry = {
        what: `${method} ${pathOf(input)}${keyOf(body)}`,
        status: 'no answer',
        up: 0,
        down: 0,
      };
      seen.push(entry);
      try {
        const counted = countUp(body, entry);
        const response = await fetch(input, counted === undefined ? init : { ...init, body: counted });
        entry.status = String(response.status);
        if (response.body === null) return response;
        const { status, headers } = response;
        return new Response(response.body.pipeThrough(counter((length) => (entry.down += length))), {
          status,
          headers,
        });
      } catch (error) {
        failure = (error as Error).cause as NodeJS.ErrnoException | undefined;
        throw error;
      }
    },
    lines() {
      const lines = seen.map(
        ({ what, status, up, down }) => `outside: ${what}, ${status}, ${up} bytes up, ${down} down`,
      );
      seen = [];
      return lines;
    },
    failure: () => failure,
  };
}

function pathOf(input: string): string {
  const { pathname, search } = new URL(input);
  return pathname + search;
}

/** Of a handshake: suite, and which key of the server, both public. */
function keyOf(body: RequestInit['body']): string {
  if (!(body instanceof Uint8Array) && typeof body !== 'string') return '';
  try {
    const { kid, suite } = JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body));
    const name = suiteById(suite)?.name;
    return name === undefined ? '' : ` (suite ${name}, key ${kid})`;
  } catch {
    return '';
  }
}

function countUp(body: RequestInit['body'], entry: Seen): RequestInit['body'] | undefined {
  if (body instanceof ReadableStream) return body.pipeThrough(counter((length) => (entry.up += length)));
  if (typeof body === 'string') entry.up = Buffer.byteLength(body);
  else if (body instanceof Uint8Array) entry.up = body.length;
  else if (body instanceof Blob) entry.up = body.size;
  return undefined;
}

/** Counts, and holds nothing back. */
function counter(
  count: (length: number) => void,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream(
    {
      transform(chunk, controller) {
        count(chunk.length);
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: 1 },
    { highWaterMark: 0 },
  );
}
