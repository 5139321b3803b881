import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { isErrorCode, textOf } from '@sealwire/core';
import { Failure, usage } from '../failure.ts';
import { problemFailure } from './exit-codes.ts';
import type { Outside } from './outside.ts';
import type { Header, Wanted } from './request.ts';

/** Shows a line of what is sent or received. */
export type Show = (line: string) => void;

/**
 * One exchange through a gateway that listens on a port of loopback.
 * @returns the head of what the server answered; its body is not read yet
 * @throws Failure for what the gateway says itself
 */
export async function exchange(
  port: number,
  wanted: Wanted,
  { outside, signal, show }: { outside: Outside; signal: AbortSignal; show: Show },
): Promise<IncomingMessage> {
  const outgoing = begin(port, wanted, signal);
  show(`> ${wanted.method} ${wanted.url.pathname}${wanted.url.search} HTTP/1.1`);
  show(`> Host: ${wanted.url.host}`);
  for (const [name, value] of fieldsOf(outgoing)) show(`> ${name}: ${value}`);
  show('>');
  const incoming = await answered(outgoing, wanted);
  const { sealwire: code } = incoming.headers;
  // Of servers no such field comes through a gateway.
  if (typeof code === 'string')
    throw problemFailure(code, await problemText(incoming, code), outside.failure());
  for (const line of headLines(incoming)) show(`< ${line}`);
  show('<');
  return incoming;
}

function begin(port: number, { url, method, headers, body }: Wanted, signal: AbortSignal): ClientRequest {
  try {
    // The whole URL, as to a proxy: so redirects come back as the server wrote them.
    const outgoing = request({ host: '127.0.0.1', port, path: url.href, method, agent: false, signal });
    outgoing.setHeader('Host', url.host);
    for (const [name, value] of headers) outgoing.appendHeader(name, value);
    // Node would say of some methods that they have a body without bytes.
    if (body === undefined) {
      outgoing.removeHeader('content-length');
      outgoing.removeHeader('transfer-encoding');
      return outgoing;
    }
    if (outgoing.hasHeader('transfer-encoding') || outgoing.hasHeader('content-length')) return outgoing;
    if (body.length === undefined) outgoing.setHeader('Transfer-Encoding', 'chunked');
    else outgoing.setHeader('Content-Length', body.length);
    return outgoing;
  } catch (error) {
    throw usage(`${(error as Error).message}.`);
  }
}

function answered(outgoing: ClientRequest, { body }: Wanted): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    // Node answers a CONNECT in another way, which nobody waits for.
    outgoing.on('close', () => reject(new Failure(56, 'connection', 'There was no answer.')));
    if (body === undefined) {
      outgoing.end();
      return;
    }
    const source = body.open();
    source.on('error', (error) => {
      reject(new Failure(26, 'file', `${error.message}.`));
      outgoing.destroy();
    });
    outgoing.flushHeaders();
    source.pipe(outgoing);
  });
}

function fieldsOf(outgoing: ClientRequest): Header[] {
  const own = outgoing.getRawHeaderNames().filter((name) => name !== 'Host');
  return own.flatMap((name) =>
    [outgoing.getHeader(name) ?? []].flat().map((value) => [name, String(value)] as const),
  );
}

async function problemText(incoming: IncomingMessage, code: string): Promise<string> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
  // A HEAD is answered without it.
  if (text === '') return isErrorCode(code) ? textOf(code) : '';
  const { title, detail = '' } = JSON.parse(text) as { title: string; detail?: string };
  return `${title} ${detail}`.trim();
}

/** About the connection to the gateway. */
const ofConnection = new Set(['connection', 'keep-alive', 'transfer-encoding']);

/** Status line and fields, as the server meant them. */
export function headLines({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string[] {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!ofConnection.has((rawHeaders[i] as string).toLowerCase()))
      lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  }
  return lines;
}
