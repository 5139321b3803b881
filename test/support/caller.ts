import { type Field, messageType, type Signer } from '@sealwire/core';
import { askOver, type Call, type Ended, type Line, openLine } from './lines.ts';
import type { Stack, StackServer } from './stacks.ts';
import { WireClient } from './wire-client.ts';
import { recordEdges } from './wire-message.ts';

/** What a caller asks; a POST with this body. */
export interface Asked {
  readonly path?: string;
  readonly fields?: readonly Field[];
  /** What somebody on the way adds outside. */
  readonly outer?: readonly Field[];
  readonly body: Uint8Array | string;
  /** How the body is divided into records. */
  readonly shares?: readonly number[];
}

/** What its client learns of an answer. */
export interface Learned {
  readonly status: number | undefined;
  readonly sealed: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** True if nothing of it is missing. */
  readonly complete: boolean;
  /** False if the server ends the connection behind it. */
  readonly persistent: boolean;
}

/** A request whose bytes are made, to be sent in whatever way the test says. */
export interface Prepared {
  /** What travels as the body: the sealed message, or the body itself. */
  readonly bytes: Buffer;
  /** Where the records end in it. */
  readonly edges: readonly number[];
  /** Begins it; `length` is what it says about its body outside, default that of `bytes`; null: nothing. */
  begin(length?: number | null): Promise<Call>;
  /** Sends it whole, with other bytes if there are some. */
  send(bytes?: Uint8Array, length?: number | null): Promise<Learned>;
  learn(answer: Ended): Promise<Learned>;
}

/** A client made by hand, sealed or plain, that asks a stack's server over one connection as long as that lasts. */
export class Caller {
  readonly #server: StackServer;
  readonly #http2: boolean;
  #wire: WireClient | undefined;
  line!: Line;

  private constructor(server: StackServer, http2: boolean) {
    this.#server = server;
    this.#http2 = http2;
  }

  static async connect(stack: Stack, server: StackServer, sealed = true, signer?: Signer): Promise<Caller> {
    const caller = new Caller(server, stack.http2);
    caller.line = await openLine(server, stack.http2);
    if (sealed) {
      caller.#wire = await WireClient.connect(server, signer, askOver(caller.line));
    }
    return caller;
  }

  async prepare({ path = '/', fields = [], outer = [], body, shares = undefined }: Asked): Promise<Prepared> {
    const wire = this.#wire;
    if (wire === undefined) return this.#prepared(path, fields, Buffer.from(body), learnPlain);
    const message = await wire.seal({ path, fields, body, ...(shares && { shares }) });
    return this.#prepared(path, [...wire.headersOf(message), ...outer], message.message, async (answer) => {
      if (answer.status === undefined || answer.headers['content-type'] !== messageType)
        return learnPlain(answer);
      const opener = wire.opener(message);
      await opener.push(answer.body);
      if (!opener.begun) return learnPlain({ ...answer, complete: false });
      const { status, fields: inner, body: opened, complete } = opener.opened;
      return {
        status,
        sealed: true,
        headers: Object.fromEntries(inner),
        body: opened.toString('latin1'),
        complete: complete && answer.complete,
        persistent: answer.headers['connection'] !== 'close',
      };
    });
  }

  #prepared(
    path: string,
    headers: readonly (readonly [string, string])[],
    bytes: Buffer,
    learn: (answer: Ended) => Promise<Learned>,
  ): Prepared {
    const begin = async (length: number | null = bytes.length) => {
      if (!this.line.usable) this.line = await openLine(this.#server, this.#http2);
      return this.line.call('POST', path, headers, length ?? undefined);
    };
    const send = async (sent: Uint8Array = bytes, length: number | null = sent.length) => {
      const call = await begin(length);
      await Promise.race([call.write(sent).then(() => call.end()), call.answer]);
      const learned = await learn(await call.answer);
      call.leave();
      // What says that its connection ends is not asked for more, even if that takes the server a moment.
      if (!learned.persistent) this.line.destroy();
      return learned;
    };
    return { bytes, edges: this.#wire === undefined ? [] : recordEdges(bytes), begin, send, learn };
  }

  /** Asks and returns the answer. */
  async ask(asked: Asked): Promise<Learned> {
    return (await this.prepare(asked)).send();
  }
}

async function learnPlain({ status, headers, body, complete }: Ended): Promise<Learned> {
  const persistent = headers['connection'] !== 'close' && status !== undefined;
  return { status, sealed: false, headers, body: body.toString('latin1'), complete, persistent };
}
