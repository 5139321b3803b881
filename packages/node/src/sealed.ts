import { inspect } from 'node:util';
import type { Session, SuiteName } from '@sealwire/core';

/**
 * What an application may know about the exchange it is in: `req.sealed`, `ctx.sealed`. Neither `util.inspect` nor
 * JSON shows the session id, or who the client is beyond its thumbprint.
 */
export class Sealed {
  readonly #sid: string;
  readonly #session: Session;
  readonly #n: number;
  readonly #identity: unknown;

  constructor(sid: string, session: Session, n: number, identity: unknown) {
    this.#sid = sid;
    this.#session = session;
    this.#n = n;
    this.#identity = identity;
  }

  /** Names the channel, never a user; do not log it. */
  get sid(): string {
    return this.#sid;
  }

  /** Thumbprint of the client key that signed the handshake, `undefined` where none did. */
  get client(): string | undefined {
    return this.#session.client;
  }

  /** What the option `allowClients` says of the client; `undefined` without it, or if it lists thumbprints only. */
  get identity(): unknown {
    return this.#identity;
  }

  /** Id of the server's KEM key that the session was made with. */
  get kid(): string {
    return this.#session.kid;
  }

  get suite(): SuiteName {
    return this.#session.suite;
  }

  /** Number of the exchange within its session. */
  get n(): number {
    return this.#n;
  }

  toJSON(): Record<string, unknown> {
    return { client: this.client, kid: this.kid, suite: this.suite, n: this.n };
  }

  [inspect.custom](): Record<string, unknown> {
    return this.toJSON();
  }
}
