import {
  beginHandshake,
  type ClientSession,
  configurationPath,
  encodeBase64Url,
  type Field,
  formatSealwireHeader,
  handshakeType,
  messageNonceLength,
  messageType,
  outerMethod,
  randomBytes,
  type Signer,
  usableKeys,
  verifyConfiguration,
} from '@sealwire/core';
import { pieces } from './bytes.ts';
import { RawConnection, type RawResponse } from './raw-http.ts';
import { type OpenedResponse, ResponseOpener, requestRecords, sealRecords } from './wire-message.ts';

/** A request as a test says it; what is left out is what a client would send. */
export interface WireRequest {
  /** Default `POST` with a body, `GET` without. */
  method?: string;
  path?: string;
  scheme?: string;
  authority?: string;
  /** Sealed fields. A `content-length` is added for a body, unless one is here or `length` is false. */
  fields?: readonly Field[];
  length?: false;
  /** `undefined`: no body, the message travels in the header. */
  body?: Uint8Array | string | undefined;
  shares?: readonly number[];
  trailers?: readonly Field[];
  /** The sealed time; `null` leaves it out. */
  time?: number | null;
  n?: number;
  nonce?: Uint8Array;
}

/** A sealed request, ready to be altered and sent. */
export interface WireMessage {
  readonly method: string;
  readonly path: string;
  readonly n: number;
  readonly nonce: Uint8Array;
  readonly message: Buffer;
  readonly inHeader: boolean;
}

/** How a message is put on the wire. */
export interface Sending {
  /** Headers beside those that carry the message, or instead of them with the same name. */
  headers?: readonly (readonly [string, string])[];
  /** The whole `Sealwire` header; `null` leaves it out. */
  sealwire?: string | null;
  /** Cuts the body: bytes of each write, or of each chunk. Default: one piece. */
  pieceSize?: number;
  framing?: 'length' | 'chunked';
  /** Sent as the body instead of the message, for instance a part of it. */
  body?: Uint8Array;
  /** Default: a connection of its own. */
  connection?: RawConnection;
}

/** Asks a server for what is at a path: GET, or the POST of a handshake. */
export type Ask = (path: string, body?: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

/** Fetches and verifies the configuration, then does a handshake, by whatever means `ask` has. */
export async function openSession(
  { origin, pin }: { origin: string; pin: string },
  ask: Ask,
  signer?: Signer,
): Promise<ClientSession> {
  const check = { identities: [pin], origin, now: Date.now() };
  const { payload } = await verifyConfiguration(await ask(configurationPath), check);
  const key = (await usableKeys(payload, Date.now())).at(-1);
  if (key === undefined) throw new Error('the configuration names no usable key');
  const handshake = await beginHandshake(key, Date.now(), signer);
  return handshake.finish(await ask(payload.handshake, handshake.body));
}

/** A client made by hand: the handshake and the keys are right, everything else is up to the test. */
export class WireClient {
  readonly origin: string;
  readonly port: number;
  readonly session: ClientSession;
  readonly #madeAt = performance.now();
  #n = 0;

  private constructor(origin: string, session: ClientSession) {
    this.origin = origin;
    this.port = Number(new URL(origin).port);
    this.session = session;
  }

  /** Makes a session with the key of the last suite that the server offers. */
  static async connect(
    { origin, pin }: { origin: string; pin: string },
    signer?: Signer,
    ask: Ask = askByFetch(origin),
  ): Promise<WireClient> {
    const session = await openSession({ origin, pin }, ask, signer);
    return new WireClient(origin, session);
  }

  get sid(): string {
    return this.session.sid;
  }

  /** The server's time as this client knows it. */
  serverTime(): number {
    return Math.round(this.session.time + performance.now() - this.#madeAt);
  }

  nextNumber(): number {
    return this.#n++;
  }

  async seal(request: WireRequest = {}): Promise<WireMessage> {
    const { body, time = this.serverTime(), n = this.nextNumber() } = request;
    const { nonce = randomBytes(messageNonceLength), path = '/' } = request;
    const inHeader = body === undefined;
    const method = request.method ?? (inHeader ? 'GET' : 'POST');
    const bytes = Buffer.from(body ?? '');
    const fields: Field[] = [...(request.fields ?? [])];
    const hasLength = fields.some(([name]) => name === 'content-length');
    if (!inHeader && !hasLength && request.length !== false)
      fields.push(['content-length', String(bytes.length)]);
    if (time !== null) fields.push(['sealwire-time', String(time)]);
    const url = new URL(this.origin);
    const records = requestRecords({
      method,
      scheme: request.scheme ?? url.protocol.slice(0, -1),
      authority: request.authority ?? url.host,
      path,
      fields,
      body: bytes,
      shares: request.shares,
      trailers: request.trailers,
    });
    const message = await sealRecords(this.session.master, n, nonce, records);
    return { method: outerMethod(method), path, n, nonce, message, inHeader };
  }

  /** A request whose head is encoded here: well-formed, but as long as it likes, where the encoder of core refuses. */
  async sealWithField(valueLength: number): Promise<WireMessage> {
    const n = this.nextNumber();
    const nonce = randomBytes(messageNonceLength);
    const url = new URL(this.origin);
    const fields: Field[] = [
      ['x-csrf-token', 'x'.repeat(valueLength)],
      ['content-length', '0'],
      ['sealwire-time', String(this.serverTime())],
    ];
    const section = Buffer.concat(fields.flat().map(prefixed));
    const control = ['POST', url.protocol.slice(0, -1), url.host, '/here'].map(prefixed);
    const head = Buffer.concat([...control, varint(section.length), section]);
    const plaintext = Buffer.concat([varint(head.length), head]);
    const message = await sealRecords(this.session.master, n, nonce, [{ kind: 'final', plaintext }]);
    return { method: 'POST', path: '/here', n, nonce, message, inHeader: false };
  }

  /** The headers that carry a message, or announce it. */
  headersOf({ n, message, inHeader }: WireMessage): [string, string][] {
    const h = inHeader ? encodeBase64Url(message) : undefined;
    const sealwire: [string, string] = ['Sealwire', formatSealwireHeader({ sid: this.sid, n, h })];
    return inHeader ? [sealwire] : [sealwire, ['Content-Type', messageType]];
  }

  /** Writes the head of a request, with the framing that it will have. */
  async sendHead(message: WireMessage, sending: Sending & { connection: RawConnection }): Promise<void> {
    const { headers: extra = [], sealwire, framing = 'length', connection } = sending;
    const body = sending.body ?? (message.inHeader ? undefined : message.message);
    const headers: (readonly [string, string])[] = [['Host', new URL(this.origin).host]];
    const replaced = new Set(extra.map(([name]) => name.toLowerCase()));
    for (const [name, value] of this.headersOf(message)) {
      if (replaced.has(name.toLowerCase())) continue;
      if (name === 'Sealwire' && sealwire !== undefined) {
        if (sealwire !== null) headers.push([name, sealwire]);
      } else headers.push([name, value]);
    }
    if (body !== undefined && !replaced.has('content-length') && !replaced.has('transfer-encoding')) {
      if (framing === 'chunked') headers.push(['Transfer-Encoding', 'chunked']);
      else headers.push(['Content-Length', String(body.length)]);
    }
    await connection.head(message.method, message.path, [...headers, ...extra]);
  }

  /** Writes a whole request. */
  async write(message: WireMessage, sending: Sending & { connection: RawConnection }): Promise<void> {
    await this.sendHead(message, sending);
    const { framing = 'length', connection } = sending;
    const body = sending.body ?? (message.inHeader ? undefined : message.message);
    if (body === undefined) return;
    const { pieceSize = body.length || 1 } = sending;
    if (framing === 'chunked') {
      // The parser hands over every chunk by itself, however many of them one read brings.
      const chunks = pieces(body, pieceSize).flatMap((piece) => [
        Buffer.from(`${piece.length.toString(16)}\r\n`),
        piece,
        Buffer.from('\r\n'),
      ]);
      await connection.write(Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]));
    } else {
      for (const piece of pieces(body, pieceSize)) {
        await connection.write(piece);
        // The server runs in this process: it reads before the next piece is written.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** Sends a message and returns what came back, whatever it is. */
  async send(message: WireMessage, sending: Sending = {}): Promise<RawResponse> {
    const connection = sending.connection ?? (await RawConnection.open(this.port));
    // A server that answers before the end of the body is heard at once.
    const [response] = await Promise.all([
      connection.response(),
      this.write(message, { ...sending, connection }),
    ]);
    if (sending.connection === undefined) connection.socket.destroy();
    return response;
  }

  opener({ n, nonce }: WireMessage): ResponseOpener {
    return new ResponseOpener({ master: this.session.master, n, nonceQ: nonce });
  }

  /** Opens a sealed response. @throws Error for a plaintext one; SealwireError `rejected` */
  async open(
    message: WireMessage,
    response: Pick<RawResponse, 'status' | 'headers' | 'body'>,
  ): Promise<OpenedResponse> {
    if (response.headers['content-type'] !== messageType) {
      throw new Error(`a plaintext answer: ${response.status} ${response.body.toString('utf8')}`);
    }
    const opener = this.opener(message);
    await opener.push(response.body);
    return opener.opened;
  }

  /** Seals, sends and opens. */
  async exchange(request: WireRequest = {}, sending: Sending = {}): Promise<OpenedResponse> {
    const message = await this.seal(request);
    const opened = await this.open(message, await this.send(message, sending));
    if (!opened.complete) throw new Error('the response has no final record');
    return opened;
  }
}

function askByFetch(origin: string): Ask {
  return async (path, body) => {
    const headers = { 'content-type': handshakeType };
    const answer = await fetch(origin + path, body === undefined ? {} : { method: 'POST', headers, body });
    return new Uint8Array(await answer.arrayBuffer());
  };
}

/** RFC 9000, section 16, always in four bytes. */
function varint(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(0x8000_0000 + value);
  return bytes;
}

function prefixed(text: string): Buffer {
  return Buffer.concat([varint(text.length), Buffer.from(text, 'latin1')]);
}
