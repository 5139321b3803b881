import type { ErrorCode, Field, ResponseHead } from '@sealwire/core';
import type { MessageReader } from './open-message.ts';
import type { Plan } from './plan.ts';

// Loaded when somebody inspects; the rest of the client knows only where to tell what. It imports types only, or bundlers
// would move what both need into a third file.

/** What happens in a call, by name. Sizes are in bytes, and undefined where they are not known; there are never keys. */
export interface InspectEvents {
  /** The application called: what is inside. */
  started: InspectedRequest;
  /** What the platform's fetch was given for it: what is outside. `n` is its number in its session. */
  sent: InspectedRequest & { n: number };
  /** The next piece of a stream body was sealed: so many bytes of plaintext. */
  uploaded: { size: number };
  /** The answer began: what is inside, and what is outside of it. */
  head: InspectedHead & { outer: InspectedHead };
  /** Bytes of the sealed answer arrived. */
  received: { size: number; body?: Uint8Array };
  /** Bytes of its body were opened. */
  opened: { size: number; body?: Uint8Array };
  /** The whole answer was opened, and nothing of it is missing. */
  ended: object;
  /** The call ended with this, or the body of its response did. Of a handshake, `id` is 0. */
  failed: { error: unknown };
  /** The server, or who speaks for it, had the request sent again. */
  resent: { code: ErrorCode };
  /** The sealed answer led elsewhere. */
  redirected: { status: number; url: string };
  /** A session was agreed on, for all calls: `id` is 0. `took` is in milliseconds. */
  handshake: { url: string; suite: string; took: number };
}

export interface InspectedRequest {
  method: string;
  url: string;
  headers: readonly Field[];
  size: number | undefined;
  body?: Uint8Array | Blob;
}

export interface InspectedHead {
  status: number;
  headers: readonly Field[];
}

/** One event of {@link InspectEvents}: `id` tells the calls apart, `at` is by `performance.now()`. */
export type InspectEvent = {
  [Type in keyof InspectEvents]: { type: Type; id: number; at: number } & InspectEvents[Type];
}[keyof InspectEvents];

export type InspectListener = (event: InspectEvent) => void;

export interface InspectOptions {
  /** Events carry bodies, plaintext and ciphertext; of a stream that is sent they carry none. */
  bodies?: boolean;
}

type Tell = <Type extends keyof InspectEvents>(type: Type, details: InspectEvents[Type]) => void;
type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>;

declare const process: { env: { NODE_ENV?: string } };

/** True if NODE_ENV says so, or said so to the bundler. */
export function inProduction(): boolean {
  try {
    // Bundlers replace exactly this expression.
    return process.env.NODE_ENV === 'production';
  } catch {
    // A browser, and no bundler did.
    return false;
  }
}

/** Tells listeners what a client does. */
export class Inspector {
  readonly #listeners = new Map<InspectListener, InspectOptions>();
  #lastId = 0;

  /** @returns what ends it */
  add(listener: InspectListener, options: InspectOptions): () => void {
    this.#listeners.set(listener, options);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Runs a call, watched if somebody listens.
   * @param size of the body, in bytes
   */
  call<T>(plan: Plan, size: number | undefined, run: (plan: Plan) => Promise<T>): Promise<T> {
    if (this.#listeners.size === 0) return run(plan);
    const tell = this.#teller(++this.#lastId);
    const { method, url, headers, body } = plan;
    const known = body.kind === 'bytes' ? body.bytes : body.kind === 'blob' ? body.blob : undefined;
    const started = { method, url: url.href, headers: [...headers], size };
    tell('started', { ...started, ...(known && { body: known }) });
    return run({ ...plan, watch: new Watch(tell) }).catch((error) => {
      tell('failed', { error });
      throw error;
    });
  }

  handshake(url: string, suite: string, began: number): void {
    this.#teller(0)('handshake', { url, suite, took: performance.now() - began });
  }

  handshakeFailed(error: unknown): void {
    this.#teller(0)('failed', { error });
  }

  #teller(id: number): Tell {
    return (type, details) => {
      for (const [listener, { bodies }] of this.#listeners) {
        const event = { type, id, at: performance.now(), ...details } as InspectEvent;
        if (!bodies && 'body' in event) delete event.body;
        // What it throws is not the call's.
        queueMicrotask(() => listener(event));
      }
    };
  }
}

/** Watches one call. */
export class Watch {
  readonly #tell: Tell;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  sent(n: number, { url }: Plan, { method, headers, body }: RequestInit): void {
    const sent = { n, method: method as string, url: url.href, headers: headers as [string, string][] };
    if (body instanceof ReadableStream) {
      this.#tell('sent', { ...sent, size: undefined });
      return;
    }
    const whole = (body ?? new Uint8Array()) as Uint8Array | Blob;
    this.#tell('sent', { ...sent, size: whole instanceof Blob ? whole.size : whole.length, body: whole });
  }

  uploaded(size: number): void {
    this.#tell('uploaded', { size });
  }

  /** The same reader of an answer, its bytes told. */
  reader(reader: Reader): Reader {
    return {
      read: async () => {
        const result = await reader.read();
        // A copy: whoever gets the bytes may give their memory away.
        if (!result.done)
          this.#tell('received', { size: result.value.length, body: new Uint8Array(result.value) });
        return result;
      },
      cancel: (reason) => reader.cancel(reason),
    };
  }

  /** Tells the head, and from here what is read of the body. */
  head({ status, fields }: ResponseHead, outer: Response, message: MessageReader): void {
    const { status: outerStatus, headers } = outer;
    this.#tell('head', { status, headers: fields, outer: { status: outerStatus, headers: [...headers] } });
    const read = message.body.bind(message);
    message.body = async () => {
      try {
        const bytes = await read();
        if (bytes === undefined) this.#tell('ended', {});
        else this.#tell('opened', { size: bytes.length, body: new Uint8Array(bytes) });
        return bytes;
      } catch (error) {
        this.#tell('failed', { error });
        throw error;
      }
    };
  }

  resent(code: ErrorCode): void {
    this.#tell('resent', { code });
  }

  redirected(status: number, url: URL): void {
    this.#tell('redirected', { status, url: url.href });
  }
}
