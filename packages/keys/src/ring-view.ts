import { type Maybe, SealwireError } from '@sealwire/core';
import type { KeyEntry, KeyStorage, RingChange, RingState } from './storage.ts';
import { warn } from './warn.ts';

/** Reads because of keys that this process does not know are at least this far apart, in milliseconds. */
const readSpacing = 250;

/** What this process knows of a ring, kept up to date with what others change. */
export class RingView {
  readonly #storage: KeyStorage;
  readonly #adopted: (before: RingState) => void;
  readonly #unwatch: () => void;
  #state: RingState;
  #entries: ReadonlyMap<string, KeyEntry>;
  #nextRead: Promise<void> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  /** @param adopted is called after each change of what is known, with what was known before */
  constructor(storage: KeyStorage, state: RingState, adopted: (before: RingState) => void) {
    this.#storage = storage;
    this.#adopted = adopted;
    this.#state = state;
    this.#entries = indexed(state);
    this.#unwatch = storage.watch(() => {
      this.refresh().catch(warn);
    });
  }

  get state(): RingState {
    return this.#state;
  }

  get readOnly(): boolean {
    return this.#storage.readOnly;
  }

  entry(id: string): KeyEntry | undefined {
    return this.#entries.get(id);
  }

  /** Stops listening to others. */
  close(): void {
    this.#unwatch();
  }

  /** Reads the state that there is now. @throws SealwireError `keys-invalid` */
  async refresh(): Promise<RingState> {
    this.#adopt(await this.#storage.read());
    return this.#state;
  }

  /** Resolves after a reading that begins from now on; many calls share one, so that no flood of them is one of reads. */
  readAgain(): Promise<void> {
    this.#nextRead ??= this.#read();
    return this.#nextRead;
  }

  async #read(): Promise<void> {
    const wait = this.#readAt + readSpacing - performance.now();
    // In any case not at once: until then it is the next one, and who calls shares it.
    await (wait > 0 ? new Promise((resolve) => setTimeout(resolve, wait)) : undefined);
    this.#nextRead = undefined;
    this.#readAt = performance.now();
    await this.refresh();
  }

  /** @throws SealwireError `keys-invalid` for a storage that cannot be changed */
  async update(change: (state: RingState) => Maybe<RingChange | undefined>): Promise<void> {
    if (this.#storage.readOnly)
      throw new SealwireError(
        'keys-invalid',
        'They cannot be changed here: change them where they come from.',
      );
    this.#adopt(await this.#storage.update(change));
  }

  /** Changes what has no secrets; where nothing can be changed, for this process alone. */
  async updateSigned(change: (state: RingState) => Maybe<RingState | undefined>): Promise<void> {
    if (this.#storage.readOnly) {
      const state = await change(this.#state);
      if (state !== undefined) this.#adopt(state);
      return;
    }
    await this.update(async (state) => {
      const next = await change(state);
      return next && { state: next };
    });
  }

  /** Answers may overtake one another: what is older than what is known is not taken. */
  #adopt(read: RingState): void {
    const before = this.#state;
    if (read.revision < before.revision || read === before) return;
    // Where nothing can be changed, what this process signed itself is known to nobody else.
    const signed = this.#storage.readOnly ? newest(before.signed, read.signed) : read.signed;
    this.#state = { ...read, signed, seq: Math.max(read.seq, before.seq) };
    this.#entries = indexed(read);
    this.#adopted(before);
  }
}

function indexed({ entries }: RingState): ReadonlyMap<string, KeyEntry> {
  return new Map(entries.map((entry) => [entry.id, entry]));
}

function newest(some: RingState['signed'], others: RingState['signed']): RingState['signed'] {
  const mine = Object.entries(some).filter(([name, { iat }]) => iat > (others[name]?.iat ?? 0));
  return { ...others, ...Object.fromEntries(mine) };
}
