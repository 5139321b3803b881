import { importMaster, type MasterKey } from '#crypto';
import { SealwireError } from './errors.ts';
import type { Maybe } from './primitives.ts';
import { SessionSlab } from './session-slab.ts';
import type { Acceptance, Session, SessionInfo, SessionStore } from './session-store.ts';
import type { SuiteName } from './suites.ts';

export interface MemorySessionStoreOptions {
  /** Most sessions at a time, half-open ones included; about 400 bytes each. Default 100,000. */
  maxSessions?: number;
}

const halfOpenShare = 0.1;
const halfOpenLife = 60_000;
const helloMemory = 10 * 60_000;
/** Sessions whose key object is kept at hand; the others' is made again when they are used. */
const hotSessions = 4096;
const sweepInterval = 1000;
/** Every session is looked at within this many sweeps, so that an ended one's secret does not linger. */
const sweepsPerRound = 60;

/** What is kept of a session outside the slab: five words, the strings shared between sessions. */
interface Entry {
  readonly slot: number;
  readonly suite: SuiteName;
  readonly kid: string;
  readonly client: string | undefined;
}

/** The session-key cache of one process. Answers at once, but for the platforms where keys are promised. */
export class MemorySessionStore implements SessionStore {
  readonly #maxSessions: number;
  readonly #maxHalfOpen: number;
  readonly #slab = new SessionSlab();
  readonly #confirmed = new Map<string, Entry>();
  /** In order of creation, so that the oldest is the first. */
  readonly #halfOpen = new Map<string, Entry>();
  readonly #hot = new Map<string, Session>();
  readonly #hellos = new Map<string, number>();
  #sweeper: ReturnType<typeof setInterval> | undefined;
  #sweep: Iterator<[string, Entry]> | undefined;

  constructor({ maxSessions = 100_000 }: MemorySessionStoreOptions = {}) {
    if (!Number.isInteger(maxSessions) || maxSessions < 10) {
      throw new SealwireError('invalid-option', '`maxSessions` is a whole number, 10 at least.');
    }
    this.#maxSessions = maxSessions;
    this.#maxHalfOpen = Math.ceil(maxSessions * halfOpenShare);
  }

  /** How many sessions there are now. */
  get size(): { confirmed: number; halfOpen: number } {
    return { confirmed: this.#confirmed.size, halfOpen: this.#halfOpen.size };
  }

  create(sid: string, info: SessionInfo, master: Uint8Array, now: number): boolean {
    this.#dropStaleHalfOpen(now);
    // A newcomer may push out another newcomer, never a session that is in use.
    if (this.#confirmed.size >= this.#maxSessions - this.#maxHalfOpen) return false;
    if (this.#halfOpen.size >= this.#maxHalfOpen) this.#endOldestHalfOpen();
    const slot = this.#slab.take(master, info.expires, info.idle, now);
    this.#halfOpen.set(sid, { slot, suite: info.suite, kid: info.kid, client: info.client });
    this.#startSweeping(now);
    return true;
  }

  load(sid: string, now: number): Maybe<Session | undefined> {
    const entry = this.#find(sid, now);
    if (entry === undefined) return undefined;
    const hot = this.#hot.get(sid);
    if (hot !== undefined) return hot;
    const { suite, kid, client } = entry;
    const { expires, idle } = this.#slab.times(entry.slot);
    const info = { suite, kid, client, expires, idle };
    const master = importMaster(this.#slab.secret(entry.slot)) as Maybe<MasterKey>;
    if (master instanceof Promise) return master.then((key) => ({ ...info, master: key }));
    const session = { ...info, master };
    if (this.#hot.size >= hotSessions) this.#hot.delete(this.#hot.keys().next().value as string);
    this.#hot.set(sid, session);
    return session;
  }

  accept(sid: string, n: number, now: number): Acceptance {
    const entry = this.#find(sid, now);
    if (entry === undefined) return 'unknown';
    if (!this.#slab.mark(entry.slot, n, now)) return 'replayed';
    if (this.#halfOpen.delete(sid)) this.#confirmed.set(sid, entry);
    return 'accepted';
  }

  end(sid: string): void {
    const entry = this.#confirmed.get(sid) ?? this.#halfOpen.get(sid);
    if (entry === undefined) return;
    this.#confirmed.delete(sid);
    this.#halfOpen.delete(sid);
    this.#hot.delete(sid);
    this.#slab.free(entry.slot);
  }

  claimHello(hash: string, now: number): boolean {
    if ((this.#hellos.get(hash) ?? now) > now) return false;
    for (const [old, until] of this.#hellos) {
      if (until > now && this.#hellos.size < this.#maxSessions) break;
      this.#hellos.delete(old);
    }
    this.#hellos.set(hash, now + helloMemory);
    return true;
  }

  #find(sid: string, now: number): Entry | undefined {
    const confirmed = this.#confirmed.get(sid);
    const entry = confirmed ?? this.#halfOpen.get(sid);
    if (entry === undefined) return undefined;
    const stale = confirmed === undefined && this.#isStale(entry, now);
    if (!stale && !this.#slab.isOver(entry.slot, now)) return entry;
    this.end(sid);
    return undefined;
  }

  #dropStaleHalfOpen(now: number): void {
    for (const [sid, entry] of this.#halfOpen) {
      if (!this.#isStale(entry, now)) return;
      this.end(sid);
    }
  }

  #isStale(halfOpen: Entry, now: number): boolean {
    return now - this.#slab.times(halfOpen.slot).created >= halfOpenLife;
  }

  #endOldestHalfOpen(): void {
    const oldest = this.#halfOpen.keys().next().value;
    if (oldest !== undefined) this.end(oldest);
  }

  #startSweeping(now: number): void {
    if (this.#sweeper !== undefined) return;
    // The caller's clock and this machine's may differ (a test's does); what counts is how much time went by.
    const startedAt = Date.now();
    this.#sweeper = setInterval(() => this.#sweepSome(now + Date.now() - startedAt), sweepInterval);
    // The sweeper keeps no process alive; browsers have no `unref`.
    (this.#sweeper as { unref?(): void }).unref?.();
  }

  #sweepSome(now: number): void {
    this.#dropStaleHalfOpen(now);
    const batch = Math.ceil(this.#confirmed.size / sweepsPerRound);
    this.#sweep ??= this.#confirmed.entries();
    for (let i = 0; i < batch; i++) {
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = undefined;
        break;
      }
      const [sid, entry] = next.value;
      if (this.#slab.isOver(entry.slot, now)) this.end(sid);
    }
    if (this.#confirmed.size + this.#halfOpen.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }
}
