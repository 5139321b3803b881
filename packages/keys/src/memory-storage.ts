import { SealwireError } from '@sealwire/core';
import type { KeyEntry, KeyStorage, RingState } from './storage.ts';

/** Nothing: the state of a ring before its first key. */
const emptyState: RingState = { version: 1, revision: 0, seq: 0, signed: {}, entries: [] };

class MemoryStorage implements KeyStorage {
  readonly readOnly = false;
  #state = emptyState;
  readonly #secrets = new Map<string, Uint8Array>();
  readonly #listeners = new Set<() => void>();
  /** Ends with the change that is being made: the next one begins behind it. */
  #last: Promise<unknown> = Promise.resolve();

  async read(): Promise<RingState> {
    return this.#state;
  }

  async secret({ id }: KeyEntry): Promise<Uint8Array> {
    const secret = this.#secrets.get(id);
    if (secret === undefined) throw new SealwireError('keys-invalid', `The memory holds no secret of ${id}.`);
    return secret.slice();
  }

  update(change: Parameters<KeyStorage['update']>[0]): Promise<RingState> {
    const changed = this.#last.then(async () => {
      const made = await change(this.#state);
      if (made === undefined) return this.#state;
      for (const [id, secret] of made.secrets ?? []) this.#secrets.set(id, secret.slice());
      for (const id of made.erase ?? []) {
        this.#secrets.get(id)?.fill(0);
        this.#secrets.delete(id);
      }
      this.#state = { ...made.state, revision: this.#state.revision + 1 };
      for (const listener of this.#listeners) queueMicrotask(listener);
      return this.#state;
    });
    this.#last = changed.catch(() => {});
    return changed;
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/**
 * Keys in the memory of this process, gone with it: for tests and development. Rings that share it are to one another
 * what processes are that share a directory.
 */
export function memoryStorage(): KeyStorage {
  return new MemoryStorage();
}
