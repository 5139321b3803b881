import {
  type ClientSession,
  type FieldSet,
  importRepeatKey,
  type MasterKey,
  maxExchanges,
  repeatKeyBytes,
  windowSize,
} from '@sealwire/core';
import type { Clock } from './options.ts';

/** A session is given up this long before the server ends it, in milliseconds. */
const margin = 30_000;
/** A new one is made in the background when this share of its life or of its numbers is used up. */
const renewAt = 0.9;

/** One session of one client: counts its numbers and its time. It lives in memory only. */
export class LiveSession {
  readonly #session: ClientSession;
  readonly #clock: Clock;
  readonly #madeAt: { wall: number; monotonic: number };
  #usedAt: { wall: number; monotonic: number };
  /** What to add to the server's time as this client knows it, after a correction. */
  #correction = 0;
  #n = 0;
  /** Numbers of exchanges that the server has not answered yet, the oldest first. */
  readonly #unanswered = new Set<number>();
  #repeatKey: Promise<MasterKey> | undefined;
  /** Fields that the server seals. */
  readonly sealedFields: FieldSet;
  /** Where the handshake was sent. */
  readonly handshakeUrl: string;

  constructor(session: ClientSession, sealedFields: FieldSet, handshakeUrl: string, clock: Clock) {
    this.#session = session;
    this.sealedFields = sealedFields;
    this.handshakeUrl = handshakeUrl;
    this.#clock = clock;
    this.#madeAt = { wall: clock.now(), monotonic: clock.monotonic() };
    this.#usedAt = this.#madeAt;
  }

  get sid(): string {
    return this.#session.sid;
  }

  get master(): MasterKey {
    return this.#session.master;
  }

  /** What proves, also after the session's end, that an exchange of it was this client's. */
  repeatKey(): Promise<MasterKey> {
    this.#repeatKey ??= importKey(this.master);
    return this.#repeatKey;
  }

  /** Server time as this client knows it: the handshake's, and what went by since on a clock that nobody sets. */
  serverTime(): number {
    const elapsed = this.#clock.monotonic() - this.#madeAt.monotonic;
    return Math.round(this.#session.time + this.#correction + elapsed);
  }

  /** Learns the server's time from a sealed problem; forwards only. */
  correctTime(serverTime: number): void {
    this.#correction += Math.max(0, serverTime - this.serverTime());
  }

  /** The number of the next exchange, each given out once; undefined if there is none to give out now. */
  take(): number | undefined {
    if (this.crowded || this.#n >= maxExchanges) return undefined;
    const n = this.#n++;
    this.#usedAt = { wall: this.#clock.now(), monotonic: this.#clock.monotonic() };
    this.#unanswered.add(n);
    return n;
  }

  answered(n: number): void {
    this.#unanswered.delete(n);
  }

  /** True if so many exchanges are unanswered that the server could not tell another one from the oldest. */
  get crowded(): boolean {
    const [oldest = this.#n] = this.#unanswered;
    return this.#n - oldest >= windowSize - 1;
  }

  /** True if it has come to its end. */
  get over(): boolean {
    return (
      this.#n >= maxExchanges ||
      this.#elapsedSince(this.#madeAt) >= this.#life - margin ||
      this.#elapsedSince(this.#usedAt) >= this.#session.idle - margin
    );
  }

  /** True if it is time to make the next one. */
  get aging(): boolean {
    return this.#n >= maxExchanges * renewAt || this.#elapsedSince(this.#madeAt) >= this.#life * renewAt;
  }

  get #life(): number {
    return this.#session.expires - this.#session.time;
  }

  /** By the clock that says more: one may have been set, the other may have slept. */
  #elapsedSince(mark: { wall: number; monotonic: number }): number {
    return Math.max(this.#clock.now() - mark.wall, this.#clock.monotonic() - mark.monotonic);
  }
}

async function importKey(master: MasterKey): Promise<MasterKey> {
  const bytes = await repeatKeyBytes(master);
  const key = await importRepeatKey(bytes);
  bytes.fill(0);
  return key;
}
