import { type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Http2ServerRequest } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import { certificate } from './certificate.ts';
import { afterwards } from './resources.ts';
import { listenSecure } from './secure-server.ts';

/** A message as whoever ends TLS reads it. */
export interface Recorded {
  /** Its first line and fields, a line each. */
  readonly head: string;
  readonly body: Buffer[];
}

/** What the server answered; its body is still to come. */
interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** Sends a request on; `body` is where its body goes, if it has one. */
type Forward = (
  method: string,
  path: string,
  headers: IncomingHttpHeaders,
  hasBody: boolean,
) => { body: Writable & { destroy(): unknown }; answer: Promise<Answer> };

export interface RecordingProxy {
  readonly origin: string;
  readonly recorded: readonly Recorded[];
}

/** Fields of one connection (RFC 9110, section 7.6.1), and those that are written in another way over HTTP/2. */
const ofConnection = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Ends TLS as a CDN does, with a certificate of its own: HTTP/2 and HTTP/1.1 for browsers, HTTP/2 to a server of
 * `https:`, HTTP/1.1 to one of `http:`. Fields and bodies pass as they are, and are kept.
 */
export async function startRecordingProxy(target: { origin: string }): Promise<RecordingProxy> {
  const { server, origin } = await listenSecure();
  const forward = target.origin.startsWith('https:') ? overHttp2(target.origin) : overHttp1(target.origin);
  const recorded: Recorded[] = [];
  const record = (firstLine: string, headers: IncomingHttpHeaders, body: Readable): void => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const message = { head: [firstLine, ...lines].join('\r\n'), body: [] as Buffer[] };
    recorded.push(message);
    body.on('data', (chunk) => message.body.push(chunk));
  };
  server.on('request', async (req: IncomingMessage, res: ServerResponse) => {
    const { method = '', url = '' } = req;
    const sending = forward(method, url, passedOn(req.headers), hasBody(req));
    record(`${method} ${url}`, req.headers, req);
    req.pipe(sending.body);
    // Who breaks off on one side is gone on the other.
    res.on('close', () => res.writableFinished || sending.body.destroy());
    try {
      const { status, headers, body } = await sending.answer;
      record(`${status} ${url}`, headers, body);
      res.writeHead(status, passedOn(headers));
      res.flushHeaders();
      body.on('error', () => res.destroy()).pipe(res);
    } catch {
      res.destroy();
    }
  });
  return { origin, recorded };
}

/** HTTP/2 says its target in fields, and Host in `:authority`. */
function passedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const host = headers.host ?? headers[':authority'];
  const kept = Object.entries(headers).filter(([name]) => !name.startsWith(':') && !ofConnection.has(name));
  return Object.fromEntries(host === undefined ? kept : [...kept, ['host', host]]);
}

function hasBody(req: IncomingMessage): boolean {
  if (req.httpVersionMajor === 2) return !(req as unknown as Http2ServerRequest).stream.endAfterHeaders;
  return 'content-length' in req.headers || 'transfer-encoding' in req.headers;
}

function overHttp1(origin: string): Forward {
  return (method, path, headers) => {
    const sending = request(origin + path, { method, headers, agent: false });
    const answer = new Promise<Answer>((resolve, reject) => {
      sending.on('error', reject).on('response', (body) => {
        resolve({ status: body.statusCode as number, headers: body.headers, body });
      });
    });
    return { body: sending, answer };
  };
}

function overHttp2(origin: string): Forward {
  const session = connect(origin, { ca: certificate.cert });
  session.on('error', () => {});
  afterwards(() => session.destroy());
  return (method, path, { host, ...headers }, hasBody) => {
    const target = { ':method': method, ':path': path, ':authority': host };
    const stream = session.request({ ...target, ...headers }, { endStream: !hasBody });
    const answer = new Promise<Answer>((resolve, reject) => {
      stream.on('error', reject).on('response', (head) => {
        resolve({ status: head[':status'] as number, headers: head, body: stream });
      });
    });
    return { body: stream, answer };
  };
}
