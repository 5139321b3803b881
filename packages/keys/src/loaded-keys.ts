import { createSecretKey, type KeyObject } from 'node:crypto';
import {
  importEd25519,
  importKemKey,
  type KemPrivateKey,
  type Maybe,
  remoteKemKey,
  SealwireError,
  type ServerKemKey,
  type Signer,
  type SuiteName,
} from '@sealwire/core';
import { publicHalf } from './key-material.ts';
import type { KeyEntry, KeyStorage } from './storage.ts';

type Loaded = ServerKemKey | Signer | KeyObject;

/** The keys of a ring in the form in which they compute, each made once. The bytes of a secret are wiped at once. */
export class LoadedKeys {
  readonly #storage: KeyStorage;
  readonly #remote: ReadonlyMap<string, ServerKemKey>;
  readonly #loaded = new Map<string, Maybe<Loaded>>();

  private constructor(storage: KeyStorage, remote: ReadonlyMap<string, ServerKemKey>) {
    this.#storage = storage;
    this.#remote = remote;
  }

  /** @throws SealwireError `invalid-option` for a remote key that can do nothing */
  static async create(storage: KeyStorage, remote: readonly KemPrivateKey[] = []): Promise<LoadedKeys> {
    const keys = await Promise.all(remote.map(remoteKemKey));
    return new LoadedKeys(storage, new Map(keys.map((key) => [key.kid, key])));
  }

  /** The keys of an HSM or a KMS that this process was given. */
  get remote(): readonly ServerKemKey[] {
    return [...this.#remote.values()];
  }

  /** @throws SealwireError `unavailable` */
  kem(entry: KeyEntry): Maybe<ServerKemKey> {
    return this.#remote.get(entry.id) ?? (this.#load(entry, importKem) as Maybe<ServerKemKey>);
  }

  /** @throws SealwireError `unavailable` */
  signer(entry: KeyEntry): Maybe<Signer> {
    return this.#load(entry, importSigner) as Maybe<Signer>;
  }

  /** @throws SealwireError `unavailable` */
  symmetric(entry: KeyEntry): Maybe<KeyObject> {
    return this.#load(entry, importSymmetric) as Maybe<KeyObject>;
  }

  /** Forgets every key that is not one of these. */
  retain(ids: ReadonlySet<string>): void {
    for (const id of this.#loaded.keys()) if (!ids.has(id)) this.#loaded.delete(id);
  }

  #load(entry: KeyEntry, use: (entry: KeyEntry, secret: Uint8Array) => Maybe<Loaded>): Maybe<Loaded> {
    const loaded = this.#loaded.get(entry.id);
    if (loaded !== undefined) return loaded;
    const loading = this.#read(entry, use);
    this.#loaded.set(entry.id, loading);
    loading.then(
      (key) => this.#settle(entry.id, loading, key),
      () => this.#settle(entry.id, loading, undefined),
    );
    return loading;
  }

  /** A key that failed to load is tried again next time; one that was dropped meanwhile stays so. */
  #settle(id: string, loading: Promise<Loaded>, key: Loaded | undefined): void {
    if (this.#loaded.get(id) !== loading) return;
    if (key === undefined) this.#loaded.delete(id);
    else this.#loaded.set(id, key);
  }

  async #read(entry: KeyEntry, use: (entry: KeyEntry, secret: Uint8Array) => Maybe<Loaded>): Promise<Loaded> {
    let secret: Uint8Array | undefined;
    try {
      if (entry.elsewhere === true) throw new Error('It is kept elsewhere: name it in the option `remote`.');
      secret = await this.#storage.secret(entry);
      return await use(entry, secret);
    } catch (cause) {
      throw new SealwireError('unavailable', `The key ${entry.id} could not be loaded.`, { cause });
    } finally {
      secret?.fill(0);
    }
  }
}

function importKem(entry: KeyEntry, secret: Uint8Array): Promise<ServerKemKey> {
  return importKemKey(entry.alg as SuiteName, publicHalf(entry), secret);
}

function importSigner(entry: KeyEntry, secret: Uint8Array): Promise<Signer> {
  return importEd25519(secret, publicHalf(entry));
}

function importSymmetric(_entry: KeyEntry, secret: Uint8Array): KeyObject {
  return createSecretKey(secret);
}
