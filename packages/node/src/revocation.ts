import {
  isThumbprint,
  type Revoked,
  SealwireError,
  type SessionStore,
  storeTimeLimit,
  withinLimit,
} from '@sealwire/core';
import type { Recorder } from './audit.ts';
import { Running } from './running.ts';

/** What the operator of a server does while it runs; a property of every adapter's middleware. */
export interface Operations {
  /**
   * Ends every session of a client key at once, in this process and in all that share its store, and breaks off what
   * runs for it in this process. The client may come back with another handshake: take it out of `allowClients` first.
   * @param thumbprint as in `req.sealed.client`
   * @returns how many sessions there were
   * @throws SealwireError `invalid-option`; `unavailable` if the store does not answer: then sessions may live on
   */
  revokeClient(thumbprint: string): Promise<number>;
}

/** How long to wait before the store is asked again, in milliseconds. */
const retryAfter = 1000;

/** How long an exchange whose connection was lost is remembered at most, in milliseconds. */
const sweepInterval = 10_000;

/** Ends sessions before their time, and with them what runs. */
export class Revocation implements Operations {
  readonly #store: SessionStore;
  readonly #now: () => number;
  readonly #record: Recorder | undefined;
  readonly running = new Running(sweepInterval);

  constructor(store: SessionStore, now: () => number, record: Recorder | undefined) {
    this.#store = store;
    this.#now = now;
    this.#record = record;
  }

  async revokeClient(thumbprint: string): Promise<number> {
    if (!isThumbprint(thumbprint))
      throw new SealwireError('invalid-option', 'A thumbprint of a client key has 43 characters.');
    return this.#revoke({ client: thumbprint });
  }

  /** The same for those whom nobody waits for: asks the store until it has done it. */
  async revokeSurely(which: Revoked): Promise<void> {
    for (;;) {
      try {
        await this.#revoke(which);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, retryAfter).unref());
      }
    }
  }

  /** The same for clients one after the other: a store looks at all its sessions for each, and requests go on meanwhile. */
  async revokeEach(clients: readonly string[]): Promise<void> {
    for (const client of clients) {
      await this.revokeSurely({ client });
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #revoke(which: Revoked): Promise<number> {
    // Before: a handshake under way may make its session behind the store's back, and who comes later is not let in.
    this.running.revoke(which);
    try {
      const count = await withinLimit(() => this.#store.revoke(which, this.#now()), storeTimeLimit);
      if (count > 0) this.#ended(which, count);
      return count;
    } catch (cause) {
      throw new SealwireError('unavailable', 'The sessions may live on.', { cause });
    } finally {
      // And afterwards: what the store still accepted meanwhile.
      this.running.revoke(which);
    }
  }

  #ended(which: Revoked, count: number): void {
    const about = { session: undefined, kid: undefined, client: undefined, ...which, count };
    this.#record?.('session.ended', { ...about, reason: 'kid' in which ? 'key-revoked' : 'client-revoked' });
  }
}
