import {
  type ConfigurationPayload,
  type ConfigurationSubject,
  encodeBase64Url,
  isSealwireError,
  type KeyOperation,
  type Maybe,
  type PublishedConfiguration,
  SealwireError,
  type ServerKemKey,
  type ServerKeys,
} from '@sealwire/core';
import { type BundleOptions, exportBundle } from './bundle.ts';
import { type NextStep, nextStep } from './due.ts';
import { identityOf, pinOf, signingIdentities } from './identities.ts';
import {
  checkKeyToAdd,
  type ExportedKey,
  type KeyToAdd,
  type PublicKeyInfo,
  publicInfo,
} from './key-info.ts';
import { algorithmFor } from './key-material.ts';
import { LoadedKeys } from './loaded-keys.ts';
import { Publisher } from './publisher.ts';
import { RingChanges } from './ring-changes.ts';
import type { RingDraft } from './ring-draft.ts';
import {
  type KeyRingOptions,
  type NewKeyRingOptions,
  type RingSettings,
  resolveNewRing,
  resolveRingOptions,
} from './ring-options.ts';
import { RingView } from './ring-view.ts';
import { Rotator } from './rotator.ts';
import type { KeyEntry, KeyStorage, RingState } from './storage.ts';
import { type SymmetricKey, type SymmetricPurpose, UsableKeys } from './usable-keys.ts';
import { warn } from './warn.ts';

/** The keys of a server, replaced on a schedule without any client noticing. Any number of processes may share a storage. */
export class KeyRing implements ServerKeys {
  readonly #storage: KeyStorage;
  readonly #settings: RingSettings;
  readonly #view: RingView;
  readonly #changes: RingChanges;
  readonly #rotator: Rotator;
  readonly #keys: UsableKeys;
  readonly #publisher: Publisher;
  readonly #revokedListeners: ((kid: string) => void)[] = [];

  private constructor(storage: KeyStorage, state: RingState, settings: RingSettings, loaded: LoadedKeys) {
    this.#storage = storage;
    this.#settings = settings;
    this.#view = new RingView(storage, state, (before) => this.#adopted(before));
    this.#changes = new RingChanges(this.#view, settings);
    const rotator = new Rotator(this.#view, this.#changes, settings);
    this.#rotator = rotator;
    this.#keys = new UsableKeys(this.#view, loaded, settings.access, (kid) => rotator.count(kid));
    this.#publisher = new Publisher(this.#view, loaded, settings.access, settings.rotation);
  }

  /**
   * Makes the first keys of a ring, each in use at once: one for each suite, and an identity.
   * @throws SealwireError `keys-invalid` if there are keys already; `invalid-option`
   */
  static async create(storage: KeyStorage, options: NewKeyRingOptions = {}): Promise<KeyRing> {
    const { suites, settings } = resolveNewRing(options);
    const identity = options.identity === undefined ? undefined : await identityOf(options.identity);
    return KeyRing.#prepared(storage, settings, (ring) =>
      ring.#changes.make(async (draft) => {
        if (draft.entries.length > 0)
          throw new SealwireError('keys-invalid', 'There are keys already: use KeyRing.open().');
        for (const suite of suites) await draft.addNew('kem', suite, 'active');
        if (identity === undefined) await draft.addNew('identity', 'Ed25519', 'active');
        else draft.addElsewhere(identity, 'active');
      }),
    );
  }

  /**
   * Opens a ring that there is.
   * @throws SealwireError `keys-invalid` if there are no keys, or they cannot be used; `invalid-option`; `key-denied` if
   *   `remote` has a key that this process may not add
   */
  static async open(storage: KeyStorage, options: KeyRingOptions = {}): Promise<KeyRing> {
    return KeyRing.#prepared(storage, resolveRingOptions(options), (ring) => {
      if (ring.entries.length === 0)
        throw new SealwireError('keys-invalid', 'There are none yet: make them with KeyRing.create().');
    });
  }

  static async #prepared(
    storage: KeyStorage,
    settings: RingSettings,
    begin: (ring: KeyRing) => Maybe<void>,
  ): Promise<KeyRing> {
    // A path, for example.
    if (typeof storage?.read !== 'function')
      throw new SealwireError(
        'invalid-option',
        'The first argument is what openKeyDirectory(), for one, resolves to.',
      );
    const loaded = await LoadedKeys.create(storage, settings.remote);
    const ring = new KeyRing(storage, await storage.read(), settings, loaded);
    try {
      await begin(ring);
      await ring.#addRemote(loaded.remote);
      await ring.#keys.prepare();
      return ring;
    } catch (error) {
      ring.close();
      // Here it can be said where the keys are, and what is wrong with them.
      throw isSealwireError(error, 'unavailable') && isSealwireError(error.cause) ? error.cause : error;
    }
  }

  async #addRemote(remote: readonly ServerKemKey[]): Promise<void> {
    const unknown = remote.filter(({ kid }) => this.#view.entry(kid) === undefined);
    if (unknown.length === 0) return;
    for (const { kid } of unknown) this.#settings.access.check('rotate', { id: kid, purpose: 'kem' });
    await this.#changes.make((draft) => {
      for (const { kid, suite, pub } of unknown) {
        const first = !draft.entries.some(({ alg, status }) => alg === suite.name && status === 'active');
        const key = { id: kid, purpose: 'kem', alg: suite.name, pub: encodeBase64Url(pub) } as const;
        draft.addElsewhere(key, first ? 'active' : 'pending');
      }
    });
  }

  /** What the ring knows of its keys, the oldest first. */
  get entries(): readonly KeyEntry[] {
    return this.#view.state.entries;
  }

  /** Pins of the identities that sign. */
  get pins(): readonly string[] {
    return signingIdentities(this.entries).map(pinOf);
  }

  /** @throws SealwireError `key-denied`, `unavailable` */
  findKey(kid: string): Maybe<ServerKemKey | undefined> {
    return this.#keys.kem(kid);
  }

  /**
   * The symmetric key of a purpose that is in use, or the one with an id if it may still be used.
   * @throws SealwireError `key-denied`, `unavailable`, `keys-invalid`
   */
  symmetricKey(purpose: SymmetricPurpose, id?: string): Promise<SymmetricKey | undefined> {
    return this.#keys.symmetric(purpose, id);
  }

  /** @throws SealwireError `keys-invalid` if nothing valid is signed, and nobody here can sign; `key-denied` */
  publish(subject: ConfigurationSubject, now = this.#settings.clock()): Promise<PublishedConfiguration> {
    return this.#publisher.publish(subject, now);
  }

  /** What identities elsewhere have to sign, with `signConfiguration()` of @sealwire/core. @throws SealwireError `keys-invalid` */
  configurationToSign(
    subject: ConfigurationSubject,
    now = this.#settings.clock(),
  ): Promise<ConfigurationPayload> {
    return this.#publisher.configurationToSign(subject, now);
  }

  /** Publishes what they signed. @throws SealwireError of its verification; `keys-invalid`, `key-denied`, `key-state` */
  async importSigned(text: string): Promise<void> {
    for (const identity of signingIdentities(this.entries)) this.#settings.access.check('rotate', identity);
    await this.#publisher.importSigned(text, this.#settings.clock());
  }

  /**
   * Calls the listener with the id of each KEM key that an emergency takes out, in whatever process, or took out before:
   * sessions in a store outlive the processes that serve them.
   */
  onRevoked(listener: (kid: string) => void): void {
    this.#revokedListeners.push(listener);
    for (const kid of revokedKeys(this.#view.state)) tell(listener, kid);
  }

  /** Adds a key that is known to everybody soon, but not in use. @throws SealwireError `key-denied`, `invalid-option`, `keys-invalid` */
  async add(key: KeyToAdd): Promise<KeyEntry> {
    checkKeyToAdd(key);
    this.#settings.access.check('rotate', { purpose: key.purpose });
    const elsewhere = 'pin' in key && key.pin !== undefined ? await identityOf(key.pin) : undefined;
    return this.#changes.make((draft) => {
      if (elsewhere !== undefined) return draft.addElsewhere(elsewhere, 'pending');
      if ('imported' in key) return draft.addImported(key.purpose, key.imported);
      const alg = key.purpose === 'kem' ? key.suite : algorithmFor(key.purpose);
      return draft.addNew(key.purpose, alg, 'pending');
    });
  }

  /** Puts a pending key into use. @throws SealwireError `key-state`, `key-denied` */
  promote(id: string): Promise<void> {
    return this.#step('rotate', id, (draft) => draft.promote(id));
  }

  /** Publishes a key no more; it goes on being accepted. @throws SealwireError `key-state`, `key-denied` */
  retire(id: string): Promise<void> {
    return this.#step('rotate', id, (draft) => draft.retire(id));
  }

  /** Accepts a retiring key no more. @throws SealwireError `key-state`, `key-denied` */
  disable(id: string): Promise<void> {
    return this.#step('rotate', id, (draft) => draft.disable(id, 'command'));
  }

  /** Erases the secret of a disabled key. @throws SealwireError `key-state`, `key-denied` */
  destroy(id: string): Promise<void> {
    return this.#step('destroy', id, (draft) => draft.destroy(id));
  }

  /**
   * Takes out a key that was stolen: another one is published and used in its place at once, and its sessions end.
   * @throws SealwireError `key-state`, `key-denied`
   */
  emergency(id: string): Promise<void> {
    return this.#step('rotate', id, (draft) => draft.emergency(id));
  }

  #step(operation: KeyOperation, id: string, step: (draft: RingDraft) => Maybe<void>): Promise<void> {
    return this.#changes.make((draft) => {
      this.#settings.access.check(operation, draft.get(id));
      return step(draft);
    });
  }

  /**
   * Does what is due by the policy: adds successors, promotes, retires, disables and destroys, as far as this process may.
   * @throws SealwireError `keys-invalid`, `key-denied`
   */
  rotate(): Promise<void> {
    return this.#rotator.rotate();
  }

  /**
   * What `rotate()` does with a key next, and from when on; undefined if it leaves the key as it is.
   * @throws SealwireError `key-state` if there is none with this id
   */
  nextStep(id: string): NextStep | undefined {
    return nextStep(this.#entry(id), this.entries, this.#settings.rotation);
  }

  /**
   * Rotates by itself from now on, beside whatever other processes do the same.
   * @throws SealwireError `keys-invalid` where nothing can be changed, `key-denied`
   */
  start(): void {
    this.#rotator.start();
  }

  /** Ends what start() began, and listens to other processes no more. */
  close(): void {
    this.#rotator.stop();
    this.#view.close();
  }

  /** A key with its secret, if the policy allows that. @throws SealwireError `key-denied`, `key-state`, `keys-invalid` */
  async export(id: string): Promise<ExportedKey> {
    const entry = this.#entry(id);
    this.#settings.access.check('export', entry);
    if (entry.elsewhere === true || entry.status === 'destroyed')
      throw new SealwireError('key-state', `There is no secret of the key ${id} here.`);
    await this.#changes.recordExport([entry]);
    return { ...publicInfo(entry), secret: await this.#storage.secret(entry) };
  }

  /**
   * All keys as a text for `SEALWIRE_KEYS`, if the policy allows to export each of them.
   * @throws SealwireError `key-denied`, `keys-invalid`, `invalid-option`, `audit-failed`
   */
  async exportBundle(options: BundleOptions = {}): Promise<string> {
    const secret = this.entries.filter(
      ({ status, elsewhere }) => status !== 'destroyed' && elsewhere !== true,
    );
    for (const entry of secret) this.#settings.access.check('export', entry);
    await this.#changes.recordExport(secret);
    return exportBundle(this.#storage, options);
  }

  /** What anybody may know of a key. @throws SealwireError `key-state` if there is none with this id */
  exportPublic(id: string): PublicKeyInfo {
    return publicInfo(this.#entry(id));
  }

  #entry(id: string): KeyEntry {
    const entry = this.#view.entry(id);
    if (entry === undefined)
      throw new SealwireError('key-state', `There is no key ${JSON.stringify(id)} in this ring.`);
    return entry;
  }

  #adopted(before: RingState): void {
    this.#keys.prepare().catch(warn);
    const known = new Set(revokedKeys(before));
    for (const kid of revokedKeys(this.#view.state)) {
      if (!known.has(kid)) for (const listener of this.#revokedListeners) tell(listener, kid);
    }
  }
}

/** Ids of KEM keys whose sessions have to end. */
function revokedKeys({ entries }: RingState): string[] {
  return entries.filter(({ purpose, revoked }) => purpose === 'kem' && revoked === true).map(({ id }) => id);
}

/** One listener that fails keeps neither others nor the ring from knowing. */
function tell(listener: (kid: string) => void, kid: string): void {
  try {
    listener(kid);
  } catch (error) {
    warn(error);
  }
}
