import type { Clock } from './options.ts';

/**
 * The time as far as a client can know it: its wall clock, but never before the newest `iat` that was signed for it. So a
 * clock that is behind keeps nobody out, and the more such a client has seen, the less it can be told to go back.
 * A clock that is ahead cannot be corrected so: an expired configuration looks the same to it as a valid one.
 */
export class KnownTime {
  readonly #clock: Clock;
  #proven = Number.NEGATIVE_INFINITY;
  #provenAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds, as `Date.now`. */
  now(): number {
    return Math.max(this.#clock.now(), this.#proven + this.#clock.monotonic() - this.#provenAt);
  }

  /** Learns from a verified signature that it is this late at least. */
  prove(iat: number): void {
    if (iat <= this.now()) return;
    this.#proven = iat;
    this.#provenAt = this.#clock.monotonic();
  }
}
