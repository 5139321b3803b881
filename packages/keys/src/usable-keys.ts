import type { KeyObject } from 'node:crypto';
import type { KeyOperation, KeyPurpose, Maybe, ServerKemKey } from '@sealwire/core';
import type { Access } from './access-policy.ts';
import type { LoadedKeys } from './loaded-keys.ts';
import type { RingView } from './ring-view.ts';
import type { KeyEntry } from './storage.ts';

/** What symmetric keys are for. */
export type SymmetricPurpose = Extract<KeyPurpose, 'store-wrap' | 'ticket' | 'audit'>;

/** A symmetric key, to wrap or to authenticate with. */
export interface SymmetricKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** A client may use a key as soon as it is published, and for as long as a configuration names it. */
const usableStatus = ['pending', 'active', 'retiring'];

/** The keys of a ring that may be used now, for what this process may do. */
export class UsableKeys {
  readonly #view: RingView;
  readonly #loaded: LoadedKeys;
  readonly #access: Access;
  readonly #used: (kid: string) => void;

  /** @param used is told of each KEM key that was found */
  constructor(view: RingView, loaded: LoadedKeys, access: Access, used: (kid: string) => void) {
    this.#view = view;
    this.#loaded = loaded;
    this.#access = access;
    this.#used = used;
  }

  /** @throws SealwireError `key-denied`, `unavailable` */
  kem(kid: string): Maybe<ServerKemKey | undefined> {
    const entry = this.#usable(kid, 'kem');
    if (entry !== undefined) return this.#kemKey(entry);
    if (this.#view.readOnly) return undefined;
    // Another process may have made it a moment ago.
    return this.#view.readAgain().then(
      () => {
        const found = this.#usable(kid, 'kem');
        return found && this.#kemKey(found);
      },
      () => undefined,
    );
  }

  /** The key in use, or the one with an id. @throws SealwireError `key-denied`, `unavailable`, `keys-invalid` */
  async symmetric(purpose: SymmetricPurpose, id: string | undefined): Promise<SymmetricKey | undefined> {
    const find = () => (id === undefined ? this.#newest(purpose) : this.#usable(id, purpose));
    let entry = find();
    if (entry === undefined && !this.#view.readOnly) {
      await this.#view.readAgain();
      entry = find();
    }
    if (entry === undefined) return undefined;
    this.#access.check(symmetricOperation(purpose), entry);
    return { id: entry.id, key: await this.#loaded.symmetric(entry) };
  }

  /** Loads what will be needed, and forgets what must not be used any more. @throws SealwireError `unavailable` */
  async prepare(): Promise<void> {
    const usable = this.#view.state.entries.filter(({ id, purpose }) => this.#usable(id, purpose));
    this.#loaded.retain(new Set(usable.map(({ id }) => id)));
    await Promise.all(usable.map((entry) => this.#load(entry)));
  }

  #load(entry: KeyEntry): Maybe<unknown> {
    const { purpose, status, elsewhere } = entry;
    if (elsewhere === true) return undefined;
    if (purpose === 'kem') return this.#access.may('decapsulate', purpose) && this.#loaded.kem(entry);
    if (purpose !== 'identity')
      return this.#access.may(symmetricOperation(purpose), purpose) && this.#loaded.symmetric(entry);
    return status === 'active' && this.#access.may('sign', purpose) && this.#loaded.signer(entry);
  }

  #kemKey(entry: KeyEntry): Maybe<ServerKemKey> {
    this.#access.check('decapsulate', entry);
    this.#used(entry.id);
    return this.#loaded.kem(entry);
  }

  #usable(id: string, purpose: KeyPurpose): KeyEntry | undefined {
    const entry = this.#view.entry(id);
    return entry?.purpose === purpose && usableStatus.includes(entry.status) ? entry : undefined;
  }

  #newest(purpose: KeyPurpose): KeyEntry | undefined {
    const active = this.#view.state.entries.filter(
      (entry) => entry.purpose === purpose && entry.status === 'active',
    );
    return active.sort((one, other) => (other.promoted ?? 0) - (one.promoted ?? 0))[0];
  }
}

function symmetricOperation(purpose: SymmetricPurpose): KeyOperation {
  return purpose === 'audit' ? 'sign' : 'unwrap';
}
