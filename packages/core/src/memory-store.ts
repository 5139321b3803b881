import { importMaster, type MasterKey } from '#crypto';
import { SealwireError } from './errors.ts';
import { after, type Maybe } from './primitives.ts';
import { importRepeatKey, repeatKeyBytes } from './repeat.ts';
import { SessionSlab } from './session-slab.ts';
import {
  type Acceptance,
  type Burning,
  type Revoked,
  repeatMemory,
  type Session,
  type SessionInfo,
  type SessionStore,
} from './session-store.ts';
import type { SuiteName } from './suites.ts';

export interface MemorySessionStoreOptions {
  /** Most sessions at a time, half-open ones included; about 400 bytes each. Default 100,000. */
  maxSessions?: number;
  /**
   * True if no other process, with a store of its own, serves the same clients: then an exchange of a session that
   * this store never knew cannot have been executed, and a client may send it again. Default false.
   */
  sole?: boolean;
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

interface EndedEntry {
  readonly slot: number;
  readonly until: number;
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
  /** Sessions that ended within the last 10 minutes, in the order of their ends. */
  readonly #ended = new Map<string, EndedEntry>();
  readonly #sole: boolean;
  /** Server time since which no used session was forgotten early; `undefined` before the first session. */
  #completeSince: number | undefined;
  #sweeper: ReturnType<typeof setInterval> | undefined;
  #sweep: Iterator<[string, Entry]> | undefined;

  constructor({ maxSessions = 100_000, sole = false }: MemorySessionStoreOptions = {}) {
    if (!Number.isInteger(maxSessions) || maxSessions < 10) {
      throw new SealwireError('invalid-option', '`maxSessions` is a whole number, 10 at least.');
    }
    if (typeof sole !== 'boolean') throw new SealwireError('invalid-option', '`sole` is true or false.');
    this.#sole = sole;
    this.#maxSessions = maxSessions;
    this.#maxHalfOpen = Math.ceil(maxSessions * halfOpenShare);
  }

  /** How many sessions there are now. */
  get size(): { confirmed: number; halfOpen: number } {
    return { confirmed: this.#confirmed.size, halfOpen: this.#halfOpen.size };
  }

  create(sid: string, info: SessionInfo, master: Uint8Array, now: number): Maybe<boolean> {
    this.#completeSince ??= now;
    this.#dropStale(now);
    // A newcomer may push out another newcomer, never a session that is in use.
    if (this.#confirmed.size >= this.#maxSessions - this.#maxHalfOpen) return false;
    return after(after(importMaster(master) as Maybe<MasterKey>, repeatKeyBytes), (repeatKey) => {
      if (this.#halfOpen.size >= this.#maxHalfOpen) this.#dropOldestHalfOpen();
      const slot = this.#slab.take(master, repeatKey, info.expires, info.idle, now);
      repeatKey.fill(0);
      this.#halfOpen.set(sid, { slot, suite: info.suite, kid: info.kid, client: info.client });
      this.#startSweeping(now);
      return true;
    });
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
    if (!this.#slab.mark(entry.slot, n)) return 'replayed';
    this.#slab.touch(entry.slot, now);
    if (this.#halfOpen.delete(sid)) this.#confirmed.set(sid, entry);
    return 'accepted';
  }

  end(sid: string, now: number): void {
    this.#dropHalfOpen(sid);
    const entry = this.#confirmed.get(sid);
    if (entry === undefined) return;
    this.#confirmed.delete(sid);
    this.#hot.delete(sid);
    this.#slab.wipeSecret(entry.slot);
    this.#ended.set(sid, { slot: entry.slot, until: now + repeatMemory });
    if (this.#ended.size <= this.#maxSessions) return;
    this.#forgetOldestEnded();
    this.#completeSince = now;
  }

  revoke(which: Revoked, now: number): number {
    const isMeant = (entry: Entry) =>
      'kid' in which ? entry.kid === which.kid : entry.client === which.client;
    let ended = 0;
    for (const sessions of [this.#confirmed, this.#halfOpen]) {
      for (const [sid, entry] of sessions) {
        if (!isMeant(entry)) continue;
        this.end(sid, now);
        ended++;
      }
    }
    return ended;
  }

  repeatKey(sid: string, now: number): Maybe<MasterKey | undefined> {
    const slot = this.#slotOf(sid, now);
    return slot === undefined ? undefined : importRepeatKey(this.#slab.repeatKey(slot));
  }

  burn(sid: string, n: number, now: number): Burning {
    const slot = this.#slotOf(sid, now);
    if (slot === undefined) return 'unknown';
    return this.#slab.mark(slot, n) ? 'burned' : 'replayed';
  }

  completeSince(): number | undefined {
    return this.#sole ? this.#completeSince : undefined;
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
    this.end(sid, now);
    return undefined;
  }

  /** Of a session that lives, or that ended within the last 10 minutes. */
  #slotOf(sid: string, now: number): number | undefined {
    this.#dropStale(now);
    return (this.#find(sid, now) ?? this.#ended.get(sid))?.slot;
  }

  #dropStale(now: number): void {
    for (const [sid, entry] of this.#halfOpen) {
      if (!this.#isStale(entry, now)) break;
      this.#dropHalfOpen(sid);
    }
    for (const { until } of this.#ended.values()) {
      if (until > now) break;
      this.#forgetOldestEnded();
    }
  }

  #forgetOldestEnded(): void {
    const [oldest] = this.#ended;
    if (oldest === undefined) return;
    const [sid, { slot }] = oldest;
    this.#ended.delete(sid);
    this.#slab.free(slot);
  }

  #isStale(halfOpen: Entry, now: number): boolean {
    return now - this.#slab.times(halfOpen.slot).created >= halfOpenLife;
  }

  #dropOldestHalfOpen(): void {
    const oldest = this.#halfOpen.keys().next().value;
    if (oldest !== undefined) this.#dropHalfOpen(oldest);
  }

  /** It took no exchange, and never will: there is nothing to remember. */
  #dropHalfOpen(sid: string): void {
    const entry = this.#halfOpen.get(sid);
    if (entry === undefined) return;
    this.#halfOpen.delete(sid);
    this.#hot.delete(sid);
    this.#slab.free(entry.slot);
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
    this.#dropStale(now);
    const batch = Math.ceil(this.#confirmed.size / sweepsPerRound);
    this.#sweep ??= this.#confirmed.entries();
    for (let i = 0; i < batch; i++) {
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = undefined;
        break;
      }
      const [sid, entry] = next.value;
      if (this.#slab.isOver(entry.slot, now)) this.end(sid, now);
    }
    if (this.#confirmed.size + this.#halfOpen.size + this.#ended.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }
}
