import {
  type Configuration,
  checkTimes,
  clockTolerance,
  configurationPath,
  configurationType,
  fromUtf8,
  isSealwireError,
  maxConfigurationLength,
  openConfiguration,
  SealwireError,
  utf8,
} from '@sealwire/core';
import { ConfigurationMemory } from './configuration-memory.ts';
import { KnownTime } from './known-time.ts';
import type { ClientSettings } from './options.ts';
import { mediaType, readLimited } from './outer-response.ts';

/** How long a configuration is used without asking for a newer one, in milliseconds. */
const freshFor = 3_600_000;
/** At most one forced fetch in this time, whatever anyone on the path pretends. */
const forcedInterval = 60_000;

/** The server's key configuration: fetched, verified, kept, and never replaced by an older one. */
export class ConfigurationSource {
  readonly #settings: ClientSettings;
  readonly #time: KnownTime;
  readonly #memory: ConfigurationMemory | undefined;
  #recalled: Promise<void> | undefined;
  #held: Configuration | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #forcedAt = Number.NEGATIVE_INFINITY;
  /** What the last forced fetch failed with. */
  #forcedFailure: unknown;

  constructor(settings: ClientSettings) {
    const { storage, clock } = settings;
    this.#settings = settings;
    this.#time = new KnownTime(clock);
    this.#memory = storage && new ConfigurationMemory(storage, settings);
  }

  /** The held configuration, or a fetched one. */
  async get(): Promise<Configuration> {
    this.#recalled ??= this.#recall();
    await this.#recalled;
    const { monotonic } = this.#settings.clock;
    if (this.#valid && monotonic() - this.#checkedAt < freshFor) return this.#held as Configuration;
    try {
      return await this.#fetch('default');
    } catch (error) {
      // A copy that some cache kept for too long: what is held is better, and else what the server itself says.
      if (
        !isSealwireError(error, 'configuration-expired') &&
        !isSealwireError(error, 'configuration-outdated')
      )
        throw error;
      if (this.#valid) return this.#held as Configuration;
      if (await this.#force()) return this.#held as Configuration;
      throw error;
    }
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
    return this.#force();
  }

  /** The time to judge a configuration by. */
  time({ payload }: Configuration): number {
    const now = this.#time.now();
    // Without a pin an end proves nothing: whoever could serve an old configuration could sign one of his own.
    return this.#settings.identities === undefined ? Math.min(now, payload.exp - 1) : now;
  }

  get #valid(): boolean {
    return this.#held !== undefined && this.time(this.#held) < this.#held.payload.exp;
  }

  /** Fetches past every cache, if that may be done again. Returns true if that brought another configuration. */
  async #force(): Promise<boolean> {
    const before = this.#held?.signed;
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

  async #recall(): Promise<void> {
    const recalled = await this.#memory?.recall();
    if (recalled === undefined || recalled.payload.seq < this.#settings.minSeq) return;
    this.#time.prove(recalled.payload.iat);
    this.#held = recalled;
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
    const { clock, minSeq } = this.#settings;
    const fetched = await openConfiguration(bytes, this.#settings);
    // Nothing is awaited from here on, so that another fetch cannot end in between.
    const { seq, iat } = fetched.payload;
    this.#time.prove(iat);
    const held = this.#held;
    if (held !== undefined && held.payload.seq === seq && held.signed !== fetched.signed) {
      throw new SealwireError('configuration-conflict', 'Two have the same `seq`.');
    }
    const least = Math.max(minSeq, held?.payload.seq ?? 0);
    if (seq < least) {
      if (!this.#valid)
        throw new SealwireError('configuration-outdated', `Its \`seq\` is ${seq}, not ${least}.`);
    } else {
      checkTimes(fetched, this.time(fetched));
      if (held?.signed !== fetched.signed) {
        this.#held = fetched;
        // What the wall clock contradicts is used, but not beyond this client: the server's clock may be the wrong one.
        if (iat <= clock.now() + clockTolerance) this.#memory?.remember(fromUtf8(bytes), fetched);
      }
    }
    this.#checkedAt = clock.monotonic();
    return this.#held as Configuration;
  }
}
