import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import {
  type ClientSession,
  encodeBase64Url,
  type Field,
  formatSealwireHeader,
  handshakeType,
  messageNonceLength,
  messageType,
  outerMethod,
  randomBytes,
} from '@sealwire/core';
import { pieces } from './bytes.ts';
import { within } from './cases.ts';
import { afterwards } from './resources.ts';
import { openSession } from './wire-client.ts';
import { type OpenedResponse, ResponseOpener, requestRecords, sealRecords } from './wire-message.ts';

/** What came back over http2; `opened` if it was sealed. */
export interface Http2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly opened?: OpenedResponse;
}

/** A request as a test says it; what is left out is what a client would send. */
export interface Http2Request {
  method?: string;
  path?: string;
  /** `undefined`: no body, the message travels in the header. */
  body?: Uint8Array;
  /** Sealed fields beside the length, which `false` leaves out, and the time. */
  fields?: readonly Field[];
  length?: false;
  trailers?: readonly Field[];
  /** Outside: instead of the sealed path, beside the headers that carry the message or instead of them. */
  outerPath?: string;
  headers?: OutgoingHttpHeaders;
  outerTrailers?: OutgoingHttpHeaders;
  /** Bytes of a body behind a message that is in the header. */
  attached?: readonly Uint8Array[];
}

/** A client made by hand that does sealed exchanges over one http2 connection. */
export class Http2Client {
  readonly connection: ClientHttp2Session;
  readonly #origin: URL;
  #session!: ClientSession;
  #n = 0;

  private constructor(origin: string, ca?: string) {
    this.#origin = new URL(origin);
    this.connection = connect(origin, ca === undefined ? {} : { ca });
    this.connection.on('error', () => {});
    afterwards(() => this.connection.destroy());
  }

  /** @param server `ca`: the certificate to trust, of one behind TLS */
  static async connect(server: { origin: string; pin: string; ca?: string }): Promise<Http2Client> {
    const client = new Http2Client(server.origin, server.ca);
    client.#session = await openSession(server, async (path, body) => {
      const post = { ':method': 'POST', 'content-type': handshakeType };
      const answer = await client.send({ ':path': path, ...(body && post) }, body && [body]);
      return answer.body;
    });
    return client;
  }

  /** One request as it is; without chunks the stream ends with its headers. */
  async send(
    headers: OutgoingHttpHeaders,
    chunks?: readonly Uint8Array[],
    trailers?: OutgoingHttpHeaders,
  ): Promise<Http2Answer> {
    const stream = this.connection.request(headers, {
      endStream: chunks === undefined,
      waitForTrailers: trailers !== undefined,
    });
    if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    // What the server breaks off is seen in what it answered.
    stream.on('error', () => {});
    for (const chunk of chunks ?? []) if (!stream.destroyed) stream.write(chunk);
    stream.end();
    const answered = new Promise<IncomingHttpHeaders>((resolve) => stream.on('response', resolve));
    const body: Buffer[] = [];
    for await (const chunk of stream) body.push(chunk);
    return { headers: await within(answered, 'a response'), body: Buffer.concat(body) };
  }

  /** One sealed exchange; `alter` may change the bytes of the message. */
  async exchange(
    request: Http2Request,
    alter: (message: Buffer) => Uint8Array = (message) => message,
    pieceSize = 16_000,
  ): Promise<Http2Answer> {
    const { headers, message, opener } = await this.seal(request, alter);
    const chunks = message === undefined ? request.attached : pieces(message, pieceSize);
    const answer = await this.send(headers, chunks, request.outerTrailers);
    if (answer.headers['content-type'] !== messageType) return answer;
    await opener.push(answer.body);
    return { ...answer, opened: opener.opened };
  }

  /** The headers of a sealed request, its message unless they carry it, and what opens its response. */
  async seal(
    request: Http2Request,
    alter: (message: Buffer) => Uint8Array = (message) => message,
  ): Promise<{ headers: OutgoingHttpHeaders; message: Uint8Array | undefined; opener: ResponseOpener }> {
    const { method = 'POST', path = '/', body, fields = [], length, trailers } = request;
    const n = this.#n++;
    const { master, sid, time } = this.#session;
    const nonce = randomBytes(messageNonceLength);
    const declared: [string, string][] =
      body === undefined || length === false ? [] : [['content-length', String(body.length)]];
    const records = requestRecords({
      method,
      scheme: this.#origin.protocol.slice(0, -1),
      authority: this.#origin.host,
      path,
      fields: [
        ...(fields.some(([name]) => name === 'content-length') ? [] : declared),
        ...fields,
        ['sealwire-time', String(time)],
      ],
      body: body ?? new Uint8Array(),
      trailers,
    });
    const message = alter(await sealRecords(master, n, nonce, records));
    const h = body === undefined ? encodeBase64Url(message) : undefined;
    const headers: OutgoingHttpHeaders = {
      ':method': outerMethod(method),
      ':path': request.outerPath ?? path,
      sealwire: formatSealwireHeader({ sid, n, h }),
      ...(body !== undefined && { 'content-type': messageType }),
      ...request.headers,
    };
    const opener = new ResponseOpener({ master, n, nonceQ: nonce });
    return { headers, message: body === undefined ? undefined : message, opener };
  }
}
