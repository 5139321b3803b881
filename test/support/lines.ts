import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { handshakeType } from '@sealwire/core';
import { pieces } from './bytes.ts';
import { within } from './cases.ts';
import { RawConnection } from './raw-http.ts';
import { afterwards } from './resources.ts';
import type { Ask } from './wire-client.ts';

/** How a call ended for its client. */
export interface Ended {
  /** Undefined if there was no answer but a reset. */
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** False if the answer was broken off. */
  readonly complete: boolean;
}

/** One request on its way: its body goes out as the test says. */
export interface Call {
  /** Resolves when the socket took the bytes; what a server broke off is seen in its answer. */
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
  /** The client gives up: over HTTP/1 its connection, over http2 this stream. */
  abort(): void;
  /** The client has its answer and does not go on with what the server did not take of the body. */
  leave(): void;
  readonly answer: Promise<Ended>;
}

/** One connection of a client, so that tests are the same over HTTP/1 and http2. */
export interface Line {
  /** Begins a request. Without `length` its body is chunked, or ends with the stream; 0 is a request without body. */
  call(
    method: string,
    path: string,
    headers: readonly (readonly [string, string])[],
    length?: number,
  ): Promise<Call>;
  /** False once the server ended the connection. */
  readonly usable: boolean;
  /** Resolves when the server, too, is done with everything that came over it. */
  close(): Promise<void>;
  destroy(): void;
}

export async function openLine(server: { port: number }, http2: boolean): Promise<Line> {
  return http2 ? Http2Line.open(server.port) : new Http1Line(await RawConnection.open(server.port));
}

/** A whole request as it is to stand on the wire. */
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

/**
 * Sends a whole request; a server that answers before its end is heard, and gets the rest.
 * @throws if the answer is not whole
 */
export async function sendOver(line: Line, request: Outgoing): Promise<Ended & { status: number }> {
  const { method, path, fields, body = new Uint8Array(), slices = 1, framing = 'length' } = request;
  const call = await line.call(method, path, fields, framing === 'chunked' ? undefined : body.length);
  const sending = async () => {
    for (const slice of body.length === 0 ? [] : pieces(body, Math.ceil(body.length / slices))) {
      await call.write(slice);
      // The servers of tests run in this process: they read what was written before the next slice follows.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await call.end();
  };
  const [answer] = await Promise.all([call.answer, sending()]);
  const { status, complete } = answer;
  if (status === undefined || !complete) throw new Error('the connection ended before the response did');
  return { ...answer, status };
}

/** Lets a handshake go over the same connection as what follows it. */
export function askOver(line: Line): Ask {
  return async (path, body) => {
    const post = { method: 'POST', fields: [['content-type', handshakeType]] as const };
    const request = body === undefined ? { method: 'GET', fields: [] } : { ...post, body };
    return (await sendOver(line, { path, ...request })).body;
  };
}

class Http1Line implements Line {
  readonly #connection: RawConnection;

  constructor(connection: RawConnection) {
    this.#connection = connection;
  }

  async call(
    method: string,
    path: string,
    headers: readonly (readonly [string, string])[],
    length?: number,
  ): Promise<Call> {
    const connection = this.#connection;
    const chunked = length === undefined;
    const framing: [string, string] = chunked
      ? ['Transfer-Encoding', 'chunked']
      : ['Content-Length', String(length)];
    const host: [string, string] = ['Host', `127.0.0.1:${connection.socket.remotePort}`];
    const answer = connection.response().catch((error) => {
      if (!connection.ended) throw error;
      return nothing;
    });
    // Whoever asks for the answer sees that it never came.
    answer.catch(() => {});
    await connection.head(method, path, [host, ...headers, ...(length === 0 ? [] : [framing])]);
    return {
      write(bytes) {
        if (!chunked) return connection.write(bytes);
        const size = Buffer.from(`${bytes.length.toString(16)}\r\n`);
        return connection.write(Buffer.concat([size, bytes, Buffer.from('\r\n')]));
      },
      end: async () => (chunked ? connection.write('0\r\n\r\n') : undefined),
      abort: () => connection.socket.destroy(),
      // The server has to read all of it, or to close the connection.
      leave: () => {},
      answer,
    };
  }

  get usable(): boolean {
    return !this.#connection.ended && !this.#connection.socket.destroyed;
  }

  async close(): Promise<void> {
    const { socket } = this.#connection;
    if (socket.destroyed) return;
    socket.end();
    await within(this.#connection.untilEnded(), 'the server closes the connection');
  }

  destroy(): void {
    this.#connection.socket.destroy();
  }
}

class Http2Line implements Line {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static async open(port: number): Promise<Http2Line> {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on('error', () => {});
    afterwards(() => session.destroy());
    await new Promise((resolve) => session.once('connect', resolve));
    return new Http2Line(session);
  }

  async call(
    method: string,
    path: string,
    headers: readonly (readonly [string, string])[],
    length?: number,
  ): Promise<Call> {
    const declared = length === undefined || length === 0 ? {} : { 'content-length': length };
    const fields = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
    const stream = this.#session.request(
      { ':method': method, ':path': path, ...fields, ...declared },
      { endStream: length === 0 },
    );
    stream.on('error', () => {});
    let head: IncomingHttpHeaders | undefined;
    const parts: Buffer[] = [];
    stream.on('response', (received) => {
      head = received;
    });
    stream.on('data', (part: Buffer) => parts.push(part));
    const ended = new Promise<Ended>((resolve) => {
      const answered = () => {
        const { ':status': status, ...others } = head ?? {};
        const body = Buffer.concat(parts);
        const promised = others['content-length'];
        const whole = promised === undefined || Number(promised) === body.length;
        const complete = head !== undefined && whole && stream.rstCode === constants.NGHTTP2_NO_ERROR;
        resolve({
          status: status as number | undefined,
          headers: others as Record<string, string>,
          body,
          complete,
        });
      };
      // One whose request is not taken to its end stays open behind its answer.
      stream.on('end', answered).on('close', answered);
    });
    const answer = within(ended, 'the end of an http2 stream', 10_000);
    answer.catch(() => {});
    return {
      write: (bytes) =>
        new Promise((resolve) => {
          if (stream.destroyed || stream.writableEnded) resolve();
          else {
            // A stream that the server closes forgets the callbacks of what it did not send.
            stream.once('close', resolve);
            stream.write(bytes, () => {
              stream.removeListener('close', resolve);
              resolve();
            });
          }
        }),
      end: async () => void stream.end(),
      abort: () => stream.close(constants.NGHTTP2_CANCEL),
      leave: () => {
        if (stream.writableFinished) return;
        // Node keeps one open whose server closed it in peace, and closing the connection then never ends (Node 20).
        if (stream.closed) stream.destroy();
        else stream.close(constants.NGHTTP2_CANCEL);
      },
      answer,
    };
  }

  get usable(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  async close(): Promise<void> {
    if (this.#session.destroyed) return;
    // Resolves when every stream is closed.
    await within(new Promise<void>((resolve) => this.#session.close(resolve)), 'every stream is closed');
  }

  destroy(): void {
    this.#session.destroy();
  }
}

const nothing: Ended = { status: undefined, headers: {}, body: Buffer.alloc(0), complete: false };
