import { type KeyPurpose, SealwireError } from '@sealwire/core';
import { signsOnline } from './identities.ts';
import { generateKey, type ImportedPair, importedKey, type NewKey } from './key-material.ts';
import { isAlike, type Rotation, usableFrom, uselessFrom } from './rotation-policy.ts';
import type { KeyAlgorithm, KeyEntry, RingChange, RingState } from './storage.ts';

/** What happened to a key, in the words of the audit log. */
export type KeyEvent =
  | {
      readonly type: 'key.created' | 'key.promoted' | 'key.retired' | 'key.destroyed' | 'key.exported';
      readonly entry: KeyEntry;
    }
  | { readonly type: 'key.disabled'; readonly entry: KeyEntry; readonly reason: DisableReason };

export type DisableReason = 'policy' | 'command' | 'emergency';

/** A configuration has room for this many signatures. */
const maxSigners = 4;

/**
 * A change to a ring in the making. A key goes from status to status in one direction only; each step says what has to be
 * done first where it cannot be taken, and does nothing where it was taken before.
 */
export class RingDraft {
  readonly #state: RingState;
  readonly #rotation: Rotation;
  readonly #now: number;
  readonly #entries: KeyEntry[];
  readonly #secrets = new Map<string, Uint8Array>();
  readonly #erase: string[] = [];
  readonly events: KeyEvent[] = [];
  #changed = false;

  constructor(state: RingState, rotation: Rotation, now: number) {
    this.#state = state;
    this.#rotation = rotation;
    this.#now = now;
    this.#entries = [...state.entries];
  }

  get entries(): readonly KeyEntry[] {
    return this.#entries;
  }

  /** The change, or undefined if there is none. */
  get change(): RingChange | undefined {
    if (!this.#changed) return undefined;
    const state = { ...this.#state, entries: this.#entries };
    return { state, secrets: this.#secrets, erase: this.#erase };
  }

  /** Wipes the secrets of new keys, which are stored by now, or will never be. */
  wipe(): void {
    for (const secret of this.#secrets.values()) secret.fill(0);
  }

  /** @throws SealwireError `key-state` */
  get(id: string): KeyEntry {
    const entry = this.#entries.find((each) => each.id === id);
    if (entry === undefined)
      throw new SealwireError('key-state', `There is no key ${JSON.stringify(id)} in this ring.`);
    return entry;
  }

  /** Adds a new key. */
  async addNew(purpose: KeyPurpose, alg: KeyAlgorithm, status: 'pending' | 'active'): Promise<KeyEntry> {
    return this.#addWithSecret(purpose, alg, await generateKey(alg), status);
  }

  /** Adds a key that was made elsewhere. @throws SealwireError `key-state` if it is there, `keys-invalid` */
  async addImported(purpose: KeyPurpose, pair: ImportedPair): Promise<KeyEntry> {
    const key = await importedKey(pair);
    const known = this.#entries.find(({ id }) => id === key.id);
    if (known !== undefined) {
      key.secret.fill(0);
      throw illegal(known, 'It was added to this ring before.');
    }
    return this.#addWithSecret(purpose, pair.alg, key, 'pending');
  }

  /** Adds a key whose secret is elsewhere, unless it is there. */
  addElsewhere(
    key: Pick<KeyEntry, 'id' | 'purpose' | 'alg' | 'pub'>,
    status: 'pending' | 'active',
  ): KeyEntry {
    const known = this.#entries.find(({ id }) => id === key.id);
    return known ?? this.#add({ ...key, status, created: this.#now, elsewhere: true });
  }

  /** Notes that others can learn of a pending key from now on. */
  publish(id: string): void {
    const entry = this.get(id);
    if (entry.published === undefined) this.#replace({ ...entry, published: this.#now });
  }

  /** pending -> active. @throws SealwireError `key-state` */
  promote(id: string): void {
    const entry = this.get(id);
    if (entry.status === 'active') return;
    if (entry.status !== 'pending')
      throw illegal(entry, 'A key never goes back to an earlier status: add a new one.');
    const from = usableFrom(entry, this.#entries, this.#rotation);
    if (from === Number.POSITIVE_INFINITY)
      throw illegal(entry, 'It is not published yet: import a signed configuration that names it.');
    if (this.#now < from) throw illegal(entry, `Not everybody knows it yet: promote it from ${at(from)} on.`);
    this.#activate(entry);
  }

  /** pending or active -> retiring. @throws SealwireError `key-state` */
  retire(id: string): void {
    const entry = this.get(id);
    if (entry.status === 'retiring') return;
    if (entry.status !== 'active' && entry.status !== 'pending')
      throw illegal(entry, 'It was retired before.');
    if (entry.status === 'active' && !this.#hasOther(entry))
      throw illegal(
        entry,
        `It is the only active key for ${about(entry)}: add and promote another one first.`,
      );
    this.#push('key.retired', { ...entry, status: 'retiring', retired: this.#now });
  }

  /** retiring -> disabled. @throws SealwireError `key-state` */
  disable(id: string, reason: 'policy' | 'command'): void {
    const entry = this.get(id);
    if (entry.status === 'disabled') return;
    if (entry.status === 'destroyed') throw illegal(entry, 'It was disabled before.');
    if (entry.status !== 'retiring')
      throw illegal(entry, 'Retire it first; if it was stolen, emergency() does all at once.');
    const from = uselessFrom(entry, this.#rotation);
    if (this.#now < from)
      throw illegal(entry, `Somebody may still use it: disable it from ${at(from)} on, or call emergency().`);
    this.#disable(entry, reason);
  }

  /** disabled -> destroyed: the secret is erased. @throws SealwireError `key-state` */
  destroy(id: string): void {
    const entry = this.get(id);
    if (entry.status === 'destroyed') return;
    if (entry.status !== 'disabled') throw illegal(entry, 'Disable it first.');
    this.#push('key.destroyed', { ...entry, status: 'destroyed', destroyed: this.#now });
    if (entry.elsewhere !== true) this.#erase.push(id);
  }

  /** Ends a key and its sessions at once; another one takes its place. @throws SealwireError `key-state` */
  async emergency(id: string): Promise<void> {
    const entry = this.get(id);
    if (entry.revoked === true) return;
    if (entry.status === 'active' && !this.#hasOther(entry)) await this.#replaceAtOnce(entry);
    const revoked = { ...entry, revoked: true };
    if (entry.status === 'disabled' || entry.status === 'destroyed') this.#replace(revoked);
    else this.#disable(revoked, 'emergency');
  }

  /** Forgets what a destroyed key was. */
  forget(id: string): void {
    this.#entries.splice(this.#entries.indexOf(this.get(id)), 1);
    this.#changed = true;
  }

  /** Adds handshakes to those that are written down. */
  count(handshakes: ReadonlyMap<string, number>): void {
    for (const [id, more] of handshakes) {
      const entry = this.#entries.find((each) => each.id === id);
      if (entry !== undefined) this.#replace({ ...entry, handshakes: (entry.handshakes ?? 0) + more });
    }
  }

  async #replaceAtOnce(entry: KeyEntry): Promise<void> {
    if (entry.purpose === 'identity')
      throw illegal(entry, 'Add and promote another identity first, one whose pin clients have.');
    if (entry.elsewhere !== true) {
      await this.addNew(entry.purpose, entry.alg, 'active');
      return;
    }
    const next = this.#entries.find((other) => other.status === 'pending' && isAlike(other, entry));
    if (next === undefined)
      throw illegal(entry, 'Open the ring with the key that is to replace it in the option `remote` first.');
    this.#activate(next);
  }

  #hasOther(entry: KeyEntry): boolean {
    return this.#entries.some(
      (other) => other.id !== entry.id && other.status === 'active' && isAlike(other, entry),
    );
  }

  #addWithSecret(
    purpose: KeyPurpose,
    alg: KeyAlgorithm,
    { secret, ...key }: NewKey,
    status: 'pending' | 'active',
  ): KeyEntry {
    this.#secrets.set(key.id, secret);
    return this.#add({ ...key, purpose, alg, status, created: this.#now });
  }

  #add(key: KeyEntry): KeyEntry {
    const now = this.#now;
    // Of a new KEM key clients learn by the next configuration, which only the ring itself can sign at once.
    const published = key.purpose !== 'kem' || signsOnline(this.#entries);
    const entry: KeyEntry = {
      ...key,
      ...((published || key.status === 'active') && { published: now }),
      ...(key.status === 'active' && { promoted: now }),
    };
    this.#entries.push(entry);
    this.#changed = true;
    this.events.push({ type: 'key.created', entry });
    if (entry.status === 'active') this.events.push({ type: 'key.promoted', entry });
    return entry;
  }

  #activate(entry: KeyEntry): void {
    const signers = this.#entries.filter(
      ({ purpose, status }) => purpose === 'identity' && status === 'active',
    ).length;
    if (entry.purpose === 'identity' && signers >= maxSigners)
      throw illegal(entry, `${maxSigners} identities sign already: retire one of them first.`);
    const now = this.#now;
    const { published = now } = entry;
    this.#push('key.promoted', { ...entry, status: 'active', published, promoted: now });
  }

  #disable(entry: KeyEntry, reason: DisableReason): void {
    const disabled: KeyEntry = { ...entry, status: 'disabled', disabled: this.#now };
    this.#replace(disabled);
    this.events.push({ type: 'key.disabled', entry: disabled, reason });
  }

  #push(type: Exclude<KeyEvent['type'], 'key.disabled'>, entry: KeyEntry): void {
    this.#replace(entry);
    this.events.push({ type, entry });
  }

  #replace(entry: KeyEntry): void {
    this.#entries[this.#entries.findIndex(({ id }) => id === entry.id)] = entry;
    this.#changed = true;
  }
}

function illegal({ id, status }: KeyEntry, remedy: string): SealwireError {
  return new SealwireError('key-state', `The key ${id} is ${status}. ${remedy}`);
}

function about({ purpose, alg }: KeyEntry): string {
  return purpose === 'kem' ? `the suite ${alg}` : `'${purpose}'`;
}

function at(time: number): string {
  return new Date(time).toISOString();
}
