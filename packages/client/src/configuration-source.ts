import {
  type Configuration,
  configurationPath,
  configurationType,
  maxConfigurationLength,
  SealwireError,
  utf8,
  verifyConfiguration,
} from '@sealwire/core';
import type { ClientSettings } from './options.ts';
import { mediaType, readLimited } from './outer-response.ts';

/** How long a configuration is used without asking for a newer one, in milliseconds. */
const freshFor = 3_600_000;
/** At most one forced fetch in this time, whatever anyone on the path pretends. */
const forcedInterval = 60_000;

/** The server's key configuration: fetched, verified, kept, and never replaced by an older one. */
export class ConfigurationSource {
  readonly #settings: ClientSettings;
  #held: Configuration | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #forcedAt = Number.NEGATIVE_INFINITY;
  /** What the last forced fetch failed with. */
  #forcedFailure: unknown;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
  }

  /** The held configuration, or a fetched one. */
  async get(): Promise<Configuration> {
    const { clock } = this.#settings;
    const held = this.#held;
    if (
      held !== undefined &&
      clock.monotonic() - this.#checkedAt < freshFor &&
      clock.now() < held.payload.exp
    ) {
      return held;
    }
    return this.#fetch('default');
  }

  /**
   * Looks for a newer configuration because a server does not know the key: in the problem itself, else past every
   * cache.
   * @returns false if there is none, or if one was looked for a moment ago
   * @throws SealwireError also again, for whoever comes a moment after a fetch that failed
   */
  async refresh(embedded: unknown): Promise<boolean> {
    const before = this.#held?.signed;
    if (typeof embedded === 'object' && embedded !== null) {
      await this.#take(utf8(JSON.stringify(embedded))).catch(() => {});
      if (this.#held?.signed !== before) return true;
    }
    const { monotonic } = this.#settings.clock;
    if (monotonic() - this.#forcedAt < forcedInterval) {
      if (this.#forcedFailure !== undefined) throw this.#forcedFailure;
      return false;
    }
    this.#forcedAt = monotonic();
    this.#forcedFailure = undefined;
    try {
      await this.#fetch('reload');
    } catch (error) {
      this.#forcedFailure = error;
      throw error;
    }
    return this.#held?.signed !== before;
  }

  async #fetch(cache: RequestCache): Promise<Configuration> {
    const { fetch, origin } = this.#settings;
    const response = await fetch(origin + configurationPath, { cache, redirect: 'manual' });
    if (response.status !== 200 || mediaType(response) !== configurationType) {
      response.body?.cancel().catch(() => {});
      throw new SealwireError(
        'configuration-unavailable',
        `${origin}${configurationPath} answered ${response.status}.`,
      );
    }
    const bytes = await readLimited(response, maxConfigurationLength);
    if (bytes === undefined) throw new SealwireError('configuration-invalid', 'It is too long.');
    return this.#take(bytes);
  }

  /** Verifies a configuration and keeps the newer one, in whatever order they arrive. */
  async #take(bytes: Uint8Array): Promise<Configuration> {
    const { identities, origin, clock } = this.#settings;
    const fetched = await verifyConfiguration(bytes, { identities, origin, now: clock.now() });
    const held = this.#held;
    const heldValid = held !== undefined && clock.now() < held.payload.exp;
    if (heldValid && held.payload.seq === fetched.payload.seq && held.signed !== fetched.signed) {
      throw new SealwireError('configuration-conflict', 'Two have the same `seq`.');
    }
    this.#checkedAt = clock.monotonic();
    if (!heldValid || held.payload.seq < fetched.payload.seq) this.#held = fetched;
    return this.#held as Configuration;
  }
}
