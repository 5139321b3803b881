import type { Revoked } from '@sealwire/core';

/** What a revocation reaches while it is under way: an exchange, a handshake. */
export interface Revocable {
  readonly kid: string | undefined;
  /** Thumbprint of the client key. */
  readonly client: string | undefined;
  /** True if nothing of it is left, though nobody said so: its connection was lost. */
  readonly gone: boolean;
  revoke(which: Revoked): void;
}

/**
 * All that is under way. Whoever ends takes itself out, which costs an exchange next to nothing; what was lost with its
 * connection is swept out, since a response that waits for others of its connection never says that it is closed.
 */
export class Running {
  readonly #all = new Set<Revocable>();
  readonly #sweepInterval: number;
  #sweeper: NodeJS.Timeout | undefined;

  /** @param sweepInterval how often those are dropped that nobody took out, in milliseconds */
  constructor(sweepInterval: number) {
    this.#sweepInterval = sweepInterval;
  }

  add(one: Revocable): void {
    this.#all.add(one);
    this.#sweeper ??= setInterval(() => this.#sweep(), this.#sweepInterval).unref();
  }

  delete(one: Revocable): void {
    this.#all.delete(one);
  }

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  revoke(which: Revoked): void {
    for (const one of this.#all) {
      if ('kid' in which ? one.kid === which.kid : one.client === which.client) one.revoke(which);
    }
  }

  #sweep(): void {
    for (const one of this.#all) if (one.gone) this.#all.delete(one);
    if (this.#all.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
