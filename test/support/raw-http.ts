import { connect, type Socket } from 'node:net';
import { within } from './cases.ts';
import { afterwards } from './resources.ts';

/** The head of a response as it stood on the wire. */
export interface RawHead {
  readonly status: number;
  /** Names in lower case; values of fields that stand more often joined by comma and blank. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface RawResponse extends RawHead {
  readonly body: Buffer;
  /** False if the connection ended before the body did. */
  readonly complete: boolean;
}

/** HTTP/1.1 over a socket, nothing done that the test did not say. */
export class RawConnection {
  readonly socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | undefined;
  /** Heads of 1xx responses that came before the last one. */
  readonly informational: RawHead[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake?.();
    });
    const ended = () => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('end', ended).on('close', ended).on('error', ended);
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    afterwards(() => socket.destroy());
    const connection = new RawConnection(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    return connection;
  }

  /** True once the server closed its side. */
  get ended(): boolean {
    return this.#ended;
  }

  async untilEnded(): Promise<void> {
    while (!this.#ended) await this.#more();
  }

  write(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve) => {
      // A server that closed early is seen in what it answered.
      this.socket.write(bytes, () => resolve());
    });
  }

  /** Request line and headers. */
  head(method: string, path: string, headers: readonly (readonly [string, string])[]): Promise<void> {
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return this.write(Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`, 'latin1'));
  }

  /** The next response, whole. */
  async response(): Promise<RawResponse> {
    const head = await this.responseHead();
    const body = new BodyFraming(head, this);
    const parts: Buffer[] = [];
    for (let part = await body.next(); part !== undefined; part = await body.next()) parts.push(part);
    return { ...head, body: Buffer.concat(parts), complete: body.complete };
  }

  /** The head of the next response; its body is then read through {@link body}. */
  async responseHead(): Promise<RawHead> {
    for (;;) {
      const text = await this.takeThrough('\r\n\r\n');
      if (text === undefined) throw new Error('the connection ended without a response');
      const [statusLine = '', ...lines] = text.toString('latin1').trimEnd().split('\r\n');
      const headers: Record<string, string> = {};
      for (const line of lines) {
        const colon = line.indexOf(':');
        const name = line.slice(0, colon).toLowerCase();
        const value = line.slice(colon + 1).trim();
        headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
      }
      const head = { status: Number(statusLine.split(' ')[1]), headers, text: text.toString('latin1') };
      if (head.status >= 200) return head;
      this.informational.push(head);
    }
  }

  body(head: RawHead): BodyFraming {
    return new BodyFraming(head, this);
  }

  /** Bytes up to and with a mark; undefined if the connection ends before it. */
  async takeThrough(mark: string): Promise<Buffer | undefined> {
    for (;;) {
      const at = this.#buffer.indexOf(mark);
      if (at >= 0) return this.#take(at + mark.length);
      if (this.#ended) return undefined;
      await this.#more();
    }
  }

  /** At least one byte, at most `limit`; undefined at the end of the connection. */
  async takeSome(limit: number): Promise<Buffer | undefined> {
    while (this.#buffer.length === 0) {
      if (this.#ended) return undefined;
      await this.#more();
    }
    return this.#take(Math.min(limit, this.#buffer.length));
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  async #more(): Promise<void> {
    await within(
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
      'bytes from the server',
      10_000,
    );
    this.#wake = undefined;
  }
}

/** Takes the framing off the body of one response (RFC 9112, section 6.3). */
export class BodyFraming {
  readonly #connection: RawConnection;
  /** Bytes to come of the body or of its current chunk; infinite without a length. */
  #left: number;
  readonly #chunked: boolean;
  #done = false;
  complete = false;

  constructor({ status, headers }: RawHead, connection: RawConnection) {
    this.#connection = connection;
    this.#chunked = /chunked/i.test(headers['transfer-encoding'] ?? '');
    const length = headers['content-length'];
    this.#left = this.#chunked ? 0 : length !== undefined ? Number(length) : Number.POSITIVE_INFINITY;
    if (status === 204 || status === 304) this.#left = 0;
  }

  /** The next bytes; undefined at the end, `complete` then says which end that was. */
  async next(): Promise<Buffer | undefined> {
    if (this.#done) return undefined;
    if (this.#left === 0 && !(await this.#nextChunk())) return this.#end(this.complete);
    const part = await this.#connection.takeSome(this.#left);
    if (part === undefined) return this.#end(this.#left === Number.POSITIVE_INFINITY);
    this.#left -= part.length;
    if (this.#chunked && this.#left === 0) await this.#connection.takeThrough('\r\n');
    return part;
  }

  async #nextChunk(): Promise<boolean> {
    if (!this.#chunked) {
      this.complete = true;
      return false;
    }
    const line = await this.#connection.takeThrough('\r\n');
    if (line === undefined) return false;
    this.#left = Number.parseInt(line.toString(), 16);
    if (this.#left > 0) return true;
    for (
      let trailer = await this.#connection.takeThrough('\r\n');
      ;
      trailer = await this.#connection.takeThrough('\r\n')
    ) {
      if (trailer === undefined) return false;
      if (trailer.length === 2) break;
    }
    this.complete = true;
    return false;
  }

  #end(complete: boolean): undefined {
    this.#done = true;
    this.complete = complete;
    return undefined;
  }
}
