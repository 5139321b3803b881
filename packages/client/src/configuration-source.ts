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
import { inTime } from './deadline.ts';
import { KnownTime } from './known-time.ts';
import type { ClientSettings } from './options.ts';
import { inWords, mediaType, readLimited } from './outer-response.ts';

/** How long a configuration is used without asking for a newer one, in milliseconds. */
const freshFor = 3_600_000;
/** At most one forced fetch in this time, whatever anyone on the path pretends. */
const forcedInterval = 60_000;

/** What a pinned client tells its caller even while it holds a valid configuration: somebody signs or serves wrongly. */
const alarms = ['configuration-conflict', 'identity-mismatch', 'configuration-invalid'] as const;

/**
 * The server's key configuration: fetched, verified, kept, and never replaced by an older one. Without a pin anyone who
 * once ended TLS could sign a `seq` that the server never reaches: then the newest word of the server itself counts.
 */
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
      if (this.#settings.identities !== undefined && alarms.some((code) => isSealwireError(error, code)))
        throw error;
      // A gateway that fails, or a copy that some cache kept for too long: what is held is better.
      if (this.#valid) return this.#held as Configuration;
      // Else what the server itself says, past that cache.
      const stale =
        isSealwireError(error, 'configuration-expired') || isSealwireError(error, 'configuration-outdated');
      if (stale && (await this.#force())) return this.#held as Configuration;
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
      try {
        await this.#take(utf8(JSON.stringify(embedded)), true);
      } catch {
        // No configuration, or one that is nested so deeply that it cannot even be written down.
      }
      if (this.#held?.signed !== before) return true;
    }
    return this.#force();
  }

  /** The time to judge a configuration by. */
  time({ payload }: Configuration): number {
    const now = this.#time.now();
    if (this.#settings.identities !== undefined) return now;
    // Without a pin the times prove nothing: whoever could serve an old configuration could sign one of his own.
    return Math.max(payload.iat, Math.min(now, payload.exp - 1));
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
    const url = this.#settings.origin + configurationPath;
    const bytes = await inTime(
      (signal) => this.#download(url, { cache, redirect: 'manual', signal }),
      (cause) => new SealwireError('configuration-unavailable', `${url} did not answer.`, { cause }),
    );
    return this.#take(bytes, cache === 'reload');
  }

  async #download(url: string, init: RequestInit): Promise<Uint8Array> {
    const response = await this.#settings.fetch(url, init);
    if (response.status !== 200 || mediaType(response) !== configurationType) {
      response.body?.cancel().catch(() => {});
      throw new SealwireError('configuration-unavailable', `${inWords(response)} from ${url}.`);
    }
    const bytes = await readLimited(response, maxConfigurationLength);
    if (bytes === undefined) throw new SealwireError('configuration-invalid', 'It is too long.');
    return bytes;
  }

  /**
   * Verifies a configuration and keeps the newer one, in whatever order they arrive.
   * @param direct It came past every cache: without a pin it replaces what is held, whatever `seq` that has.
   */
  async #take(bytes: Uint8Array, direct: boolean): Promise<Configuration> {
    const { clock, minSeq, identities } = this.#settings;
    const fetched = await openConfiguration(bytes, this.#settings);
    // Nothing is awaited from here on, so that another fetch cannot end in between.
    const { seq, iat } = fetched.payload;
    if (identities !== undefined) this.#time.prove(iat);
    const held = this.#held;
    const rival = identities === undefined && direct ? undefined : held;
    if (rival !== undefined && rival.payload.seq === seq && rival.signed !== fetched.signed) {
      throw new SealwireError('configuration-conflict', 'Two have the same `seq`.');
    }
    const least = Math.max(minSeq, rival?.payload.seq ?? 0);
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
