import type { MasterKey } from '#crypto';
import type { Maybe } from './primitives.ts';
import type { SuiteName } from './suites.ts';

/** What a server knows of a session besides its secret and its id. Times in milliseconds. */
export interface SessionInfo {
  readonly suite: SuiteName;
  readonly kid: string;
  /** Thumbprint of the client key that signed the handshake. */
  readonly client: string | undefined;
  /** Server time at which the session ends in any case. */
  readonly expires: number;
  /** How long it may rest between two exchanges. */
  readonly idle: number;
}

export interface Session extends SessionInfo {
  readonly master: MasterKey;
}

/** `accepted`: this call and no other may execute the exchange. `unknown`: the session is not there (any more). */
export type Acceptance = 'accepted' | 'replayed' | 'unknown';

export type Burning = 'burned' | 'replayed' | 'unknown';

/** A session takes exchange numbers below this, then it ends. */
export const maxExchanges = 2 ** 20;
/** How many of the latest exchange numbers of a session are told apart; older ones count as used. */
export const windowSize = 1024;
/** A session is remembered this long after its end, in milliseconds, and an exchange may be repeated this long. */
export const repeatMemory = 10 * 60_000;

/** How long a store may take for an answer, in milliseconds. What comes later is not listened to. */
export const storeTimeLimit = 5000;

/** Whose sessions have to end: those that were made with a KEM key, or by a client key. */
export type Revoked = { readonly kid: string } | { readonly client: string };

/**
 * The session-key cache. Every method may answer at once or by a promise; `now` is server time in milliseconds.
 * A store that cannot answer throws, and the request is refused; so it is when the answer is late or none of those
 * named here.
 */
export interface SessionStore {
  /**
   * Adds a half-open session under its id (22 base64url characters); copies `master` (64 bytes).
   * @returns false if full of confirmed sessions
   */
  create(sid: string, info: SessionInfo, master: Uint8Array, now: number): Maybe<boolean>;
  /** The session, unless it ended by age, by rest or by being half-open for too long. */
  load(sid: string, now: number): Maybe<Session | undefined>;
  /**
   * One atomic test-and-set of (sid, n) in the session's window, which is part of the session's one record. The
   * first acceptance confirms a half-open session.
   */
  accept(sid: string, n: number, now: number): Maybe<Acceptance>;
  /** Ends a session and wipes its secret; its window and its repeat key stay for 10 minutes. */
  end(sid: string, now: number): Maybe<void>;
  /**
   * Ends every session of a KEM key or of a client key, half-open ones included, as `end` does.
   * @returns how many there were
   */
  revoke(which: Revoked, now: number): Maybe<number>;
  /** The key for proofs about a session's exchanges (repeat.ts), also for 10 minutes after its end. */
  repeatKey(sid: string, now: number): Maybe<MasterKey | undefined>;
  /**
   * The same test-and-set as `accept`, by which an exchange will never be accepted; also for 10 minutes after the
   * session's end. `replayed`: it was used, so may have been executed.
   */
  burn(sid: string, n: number, now: number): Maybe<Burning>;
  /**
   * Server time since which the store has lost no session that had taken an exchange and no window within its
   * 10 minutes; `undefined` if it cannot tell, as a store cannot beside which others serve the same clients.
   */
  completeSince(now: number): Maybe<number | undefined>;
  /** Remembers the hash of a hello for 10 minutes; false if it was there. Best effort. */
  claimHello(hash: string, now: number): Maybe<boolean>;
}
