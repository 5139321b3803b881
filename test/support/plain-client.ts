import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { within } from './cases.ts';
import { afterwards } from './resources.ts';

export interface Asked {
  readonly method?: string;
  readonly headers?: RequestOptions['headers'];
  /** A list is sent piece by piece. */
  readonly body?: string | Buffer | readonly (string | Buffer)[];
  readonly trailers?: Record<string, string>;
  readonly agent?: RequestOptions['agent'];
}

export interface Answered {
  readonly status: number;
  /** In lower case, in alphabetical order, each as often as it was sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly trailers: Record<string, string | undefined>;
  readonly body: Buffer;
}

/** A request of a plain HTTP client, which adds nothing but what frames it. */
export function begin(origin: string, path: string, { method, headers, agent }: Asked = {}): ClientRequest {
  const { hostname, port } = new URL(origin);
  const outgoing = request({ hostname, port, path, method, headers, agent: agent ?? false });
  afterwards(() => outgoing.destroy());
  return outgoing;
}

/** The head of what answers; its body is not read yet. @throws what the request fails with */
export function responseOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on('response', resolve).on('error', reject);
  });
  return within(response, 'a response', 10_000);
}

/** The whole answer to a whole request. @throws what either fails with */
export async function ask(origin: string, path: string, asked: Asked = {}): Promise<Answered> {
  const outgoing = begin(origin, path, asked);
  const { body } = asked;
  const response = responseOf(outgoing);
  if (Array.isArray(body)) for (const piece of body) outgoing.write(piece);
  if (asked.trailers !== undefined) outgoing.addTrailers(asked.trailers);
  outgoing.end(Array.isArray(body) ? undefined : body);
  return whole(await response);
}

export async function whole(response: IncomingMessage): Promise<Answered> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const headers: [string, string][] = [];
  for (let i = 0; i < response.rawHeaders.length; i += 2)
    headers.push([(response.rawHeaders[i] as string).toLowerCase(), response.rawHeaders[i + 1] as string]);
  headers.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return {
    status: response.statusCode as number,
    headers,
    trailers: response.trailers,
    body: Buffer.concat(chunks),
  };
}
