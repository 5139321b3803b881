import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:http2';
import { handshakeType } from '@sealwire/core';
import { pieces } from './bytes.ts';
import { within } from './cases.ts';
import { RawConnection, type RawResponse } from './raw-http.ts';
import { afterwards } from './resources.ts';
import type { Ask } from './wire-client.ts';

/** A request as it is to stand on the wire. */
export interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  /** In how many writes the body goes out, with turns of the event loop between them. Default: one. */
  readonly slices?: number;
  /** `chunked` tells no length beforehand; over http2 nothing takes its place. Default: `length`. */
  readonly framing?: 'length' | 'chunked';
}

export type Answer = Pick<RawResponse, 'status' | 'headers' | 'body'>;

/** One connection, over which one request goes after the other. */
export interface Transport {
  send(request: Outgoing): Promise<Answer>;
}

export async function openTransport(server: { origin: string; port: number }, http2: boolean) {
  return http2 ? Http2Transport.open(server.origin) : Http1Transport.open(server.port);
}

/** Lets a handshake go over the same connection as what follows it. */
export function askOver(transport: Transport): Ask {
  return async (path, body) => {
    const post = { method: 'POST', fields: [['content-type', handshakeType]] as const };
    const request = body === undefined ? { method: 'GET', fields: [] } : { ...post, body };
    return new Uint8Array((await transport.send({ path, ...request })).body);
  };
}

class Http1Transport implements Transport {
  readonly #connection: RawConnection;

  private constructor(connection: RawConnection) {
    this.#connection = connection;
  }

  static async open(port: number): Promise<Transport> {
    return new Http1Transport(await RawConnection.open(port));
  }

  async send(request: Outgoing): Promise<Answer> {
    // A server that answers before the end of the body is heard at once.
    const [answer] = await Promise.all([this.#connection.response(), this.#write(request)]);
    if (!answer.complete) throw new Error('the connection ended before the response did');
    return answer;
  }

  async #write({ method, path, fields, body, slices = 1, framing = 'length' }: Outgoing): Promise<void> {
    const connection = this.#connection;
    const length: [string, string][] = body === undefined ? [] : [['Content-Length', String(body.length)]];
    const framed = framing === 'chunked' ? [['Transfer-Encoding', 'chunked'] as const] : length;
    const { remoteAddress, remotePort } = connection.socket;
    await connection.head(method, path, [['Host', `${remoteAddress}:${remotePort}`], ...fields, ...framed]);
    for (const slice of sliced(body, slices)) {
      const head = Buffer.from(`${slice.length.toString(16)}\r\n`);
      await connection.write(
        framing === 'chunked' ? Buffer.concat([head, slice, Buffer.from('\r\n')]) : slice,
      );
      await turn();
    }
    if (framing === 'chunked') await connection.write('0\r\n\r\n');
  }
}

class Http2Transport implements Transport {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static open(origin: string): Transport {
    const session = connect(origin);
    session.on('error', () => {});
    afterwards(() => session.destroy());
    return new Http2Transport(session);
  }

  async send(request: Outgoing): Promise<Answer> {
    const { method, path, fields, body, slices = 1, framing = 'length' } = request;
    const length = body === undefined || framing === 'chunked' ? {} : { 'content-length': body.length };
    const named = Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]));
    const stream = this.#session.request(
      { ':method': method, ':path': path, ...named, ...length },
      { endStream: body === undefined },
    );
    // What the server breaks off is seen in what it answered.
    stream.on('error', () => {});
    const head = new Promise<IncomingHttpHeaders>((resolve) => stream.on('response', resolve));
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    const closed = new Promise<void>((resolve) => stream.on('close', resolve));
    for (const slice of sliced(body, slices)) {
      // A server that answered without reading may have closed the stream.
      if (!stream.writable) break;
      stream.write(slice);
      await turn();
    }
    stream.end();
    const headers = await within(head, 'a response');
    await within(closed, 'the end of the stream');
    const { ':status': status, ...rest } = headers;
    return { status: Number(status), headers: rest as Answer['headers'], body: Buffer.concat(parts) };
  }
}

function sliced(body: Uint8Array | undefined, slices: number): Uint8Array[] {
  return body === undefined ? [] : pieces(body, Math.ceil(body.length / slices));
}

/** The servers of tests run in this process: they read what was written before the next slice follows. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
