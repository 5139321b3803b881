import { Agent, type IncomingMessage, request as request1 } from 'node:http';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { handshakeType } from '@sealwire/core';
import { within } from '../cases.ts';
import { afterwards } from '../resources.ts';
import type { Ask } from '../wire-client.ts';

/** How long an answer may take, in milliseconds. */
const limit = 1000;

export type Pair = readonly [name: string, value: string];

/** What came back, byte for byte; names in lower case, in the order of the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: readonly Pair[];
  readonly trailers: readonly Pair[];
  readonly body: Buffer;
  /** False if the message broke off. */
  readonly complete: boolean;
  /** Statuses of 1xx responses that came before. */
  readonly informational: readonly number[];
}

/** One request as it is: the answer, or the code of what prevented one. */
export type Transport = (
  method: string,
  path: string,
  headers: readonly Pair[],
  body?: Uint8Array,
) => Promise<RawAnswer | string>;

/** HTTP/1.1 by Node's client, one connection after the other as long as the server keeps it. */
export function http1Transport(port: number): Transport {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  afterwards(() => agent.destroy());
  return async (method, path, headers, body) => {
    const informational: number[] = [];
    const length: Pair[] = body === undefined ? [] : [['content-length', String(body.length)]];
    const sent = request1({
      port,
      agent,
      method,
      path,
      headers: Object.fromEntries([...length, ...headers]),
    });
    sent.on('information', ({ statusCode }) => informational.push(statusCode));
    const answered = new Promise<IncomingMessage | string>((resolve) => {
      sent.on('response', resolve).on('error', (error) => resolve(codeOf(error)));
    });
    sent.end(body);
    // Node waits for ever for a body that is shorter than it was said to be.
    const timer = setTimeout(() => sent.destroy(new Error('no end')), limit);
    const answer = await answered;
    if (typeof answer === 'string') return answer;
    const chunks: Buffer[] = [];
    // What breaks off is seen in `complete`.
    answer.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {});
    await new Promise((resolve) => answer.on('close', resolve));
    clearTimeout(timer);
    return {
      status: answer.statusCode as number,
      headers: pairs(answer.rawHeaders),
      trailers: pairs(answer.rawTrailers),
      body: Buffer.concat(chunks),
      complete: answer.complete,
      informational,
    };
  };
}

/** Lets a handshake go the same way as what follows it. */
export function askOver(transport: Transport): Ask {
  return async (path, body) => {
    const type: Pair[] = body === undefined ? [] : [['content-type', handshakeType]];
    const answer = await transport(body === undefined ? 'GET' : 'POST', path, type, body);
    if (typeof answer === 'string') throw new Error(answer);
    return answer.body;
  };
}

/** HTTP/2 over one connection, made anew after the server ended it. */
export function http2Transport(origin: string): Transport {
  const open = () => connect(origin).on('error', () => {});
  let connection = open();
  afterwards(() => connection.destroy());
  return async (method, path, headers, body) => {
    if (connection.destroyed || connection.closed) connection = open();
    const informational: number[] = [];
    const stream = connection.request(
      { ':method': method, ':path': path, ...Object.fromEntries(headers) },
      { endStream: body === undefined },
    );
    let failure = 'closed';
    let trailers: Pair[] = [];
    const chunks: Buffer[] = [];
    let head: IncomingHttpHeaders | undefined;
    stream
      .on('headers', (early) => informational.push(Number(early[':status'])))
      .on('response', (received) => {
        head = received;
      })
      .on('trailers', (received) => {
        trailers = fieldsOf(received);
      })
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('error', (error) => {
        failure = codeOf(error);
      });
    if (body !== undefined) stream.end(body);
    await within(
      new Promise((resolve) => stream.on('close', resolve)),
      `the end of ${method} ${path}`,
      limit,
    );
    if (head === undefined) return failure;
    return {
      status: Number(head[':status']),
      headers: fieldsOf(head),
      trailers,
      body: Buffer.concat(chunks),
      complete: stream.rstCode === 0 && !stream.aborted,
      informational,
    };
  };
}

function pairs(raw: readonly string[]): Pair[] {
  const list: Pair[] = [];
  for (let i = 0; i < raw.length; i += 2) list.push([(raw[i] as string).toLowerCase(), raw[i + 1] as string]);
  return list;
}

function fieldsOf(headers: IncomingHttpHeaders): Pair[] {
  return Object.entries(headers)
    .filter(([name]) => !name.startsWith(':'))
    .flatMap(([name, value]) => [value].flat().map((each): Pair => [name, String(each)]));
}

/** What tells one error from another. */
export function codeOf(error: unknown): string {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
}
