import {
  type Configuration,
  type ConfigurationTrust,
  type Maybe,
  maxConfigurationLength,
  openConfiguration,
  utf8,
} from '@sealwire/core';
import type { ConfigurationStorage } from './options.ts';

/** How long a call waits for the storage, in milliseconds. */
const patience = 1000;

/**
 * The newest configuration in the application's storage. The signed text itself is kept and verified again when it is
 * read: whoever can write there cannot make up a `seq`, and there is nothing secret in it. Whatever fails here is as if
 * nothing was remembered.
 */
export class ConfigurationMemory {
  readonly #storage: ConfigurationStorage;
  readonly #trust: ConfigurationTrust;
  readonly #name: string;

  constructor(storage: ConfigurationStorage, trust: ConfigurationTrust) {
    this.#storage = storage;
    this.#trust = trust;
    this.#name = `sealwire:${trust.origin}`;
  }

  /** The remembered configuration, expired or not. */
  async recall(): Promise<Configuration | undefined> {
    try {
      const text: unknown = await soon(() => this.#storage.get(this.#name));
      if (typeof text !== 'string' || text.length > maxConfigurationLength) return undefined;
      return await openConfiguration(utf8(text), this.#trust);
    } catch {
      return undefined;
    }
  }

  /** Remembers a configuration, unless another client with the same storage has remembered a newer one. */
  async remember(text: string, { payload }: Configuration): Promise<void> {
    const before = await this.recall();
    if (before !== undefined && before.payload.seq >= payload.seq) return;
    try {
      await this.#storage.set(this.#name, text);
    } catch {
      // The client goes on with what it has in memory.
    }
  }
}

/** What is answered in time; undefined after that. */
async function soon<T>(ask: () => Maybe<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, patience, undefined);
  });
  try {
    return await Promise.race([ask(), limit]);
  } finally {
    clearTimeout(timer);
  }
}
