import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSealwireError, type Maybe } from '@sealwire/core';
import { errorCode, keysInvalid, onFiles } from './failures.ts';
import { withFolderLock } from './folder-lock.ts';
import { decodeKeyFile, encodeKeyFile, maxKeyFileLength } from './key-file.ts';
import { checkSecret } from './key-id.ts';
import { canonicalJson, decodeManifest, encodeManifest, type Manifest } from './manifest.ts';
import { Passphrase } from './passphrase.ts';
import {
  checkPrivateFolder,
  eraseFiles,
  readPrivateFile,
  replaceFile,
  temporaryName,
} from './private-files.ts';
import { isKeyId, isRingState } from './ring-form.ts';
import type { KeyEntry, KeyStorage, RingChange, RingState } from './storage.ts';
import { warn } from './warn.ts';

export interface KeyDirectoryOptions {
  /** What encrypts the secrets and authenticates the manifest: 8 to 1,024 bytes, text in UTF-8. */
  readonly passphrase: string | Uint8Array;
}

const manifestName = 'manifest.json';
const maxManifestLength = 8 * 2 ** 20;
/** How often others are looked for, in milliseconds. Not `fs.watch`: it misses what other machines change. */
const lookInterval = 500;

/**
 * Keys in a folder: a PEM file for each secret, and `manifest.json`. Processes that share the folder may change it at
 * the same time.
 * @throws SealwireError `keys-invalid` if the folder, or something in it, cannot be trusted; `invalid-option`
 */
export async function openKeyDirectory(folder: string, options: KeyDirectoryOptions): Promise<KeyStorage> {
  const passphrase = new Passphrase(options?.passphrase);
  try {
    const directory = new KeyDirectory(await onFiles(folder, () => realpath(folder)), passphrase);
    await directory.read();
    return directory;
  } catch (error) {
    throw isAbsent(error) ? keysInvalid(folder, 'holds no key directory', absent, error) : error;
  }
}

const absent = 'Check the path, restore the directory from a backup, or make one with createKeyDirectory().';

function isAbsent(error: unknown): boolean {
  return isSealwireError(error) && errorCode(error.cause) === 'ENOENT';
}

/**
 * Makes a key directory without keys, mode 0700; the folder may be there already, also as one that has no keys yet, which
 * is what a process leaves behind that was killed before it had made them.
 * @throws SealwireError `keys-invalid` if it holds keys, and like {@link openKeyDirectory}
 */
export async function createKeyDirectory(folder: string, options: KeyDirectoryOptions): Promise<KeyStorage> {
  const passphrase = new Passphrase(options?.passphrase);
  await onFiles(folder, () => mkdir(folder, { mode: 0o700 })).catch((error) => {
    if (errorCode(error.cause) !== 'EEXIST') throw error;
  });
  const path = await onFiles(folder, () => realpath(folder));
  await checkPrivateFolder(path);
  await withFolderLock(path, async (assertHeld) => {
    const names = await onFiles(path, () => readdir(path));
    const isBegun = names.includes(manifestName);
    if (isBegun ? await hasKeys(path, passphrase) : names.some((name) => keyName.test(name)))
      throw keysInvalid(
        path,
        'holds keys already',
        'Open it with openKeyDirectory(), or take another folder.',
      );
    if (isBegun) return;
    const state: RingState = { version: 1, revision: 0, seq: 0, signed: {}, entries: [] };
    const manifest = { salt: randomBytes(32).toString('base64url'), state };
    await replaceFile(path, manifestName, await encodeManifest(manifest, passphrase), assertHeld);
  });
  return openKeyDirectory(path, options);
}

async function hasKeys(folder: string, passphrase: Passphrase): Promise<boolean> {
  return (await new KeyDirectory(folder, passphrase).read()).entries.length > 0;
}

const keyName = /^key-[A-Za-z0-9_-]{43}\.pem$/;
const nameOf = (id: string) => `key-${id}.pem`;

/** What is known of a state that was read. */
interface Seen {
  readonly revision: number;
  readonly digest: string;
}

class KeyDirectory implements KeyStorage {
  readonly readOnly = false;
  readonly #folder: string;
  readonly #passphrase: Passphrase;
  /** The newest state that this process knows of. */
  #seen: Seen = { revision: -1, digest: '' };
  /** The manifest on disk as it was last read, and as it was last written here: of that, listeners are not told. */
  #readMark = '';
  #writtenMark = '';

  constructor(folder: string, passphrase: Passphrase) {
    this.#folder = folder;
    this.#passphrase = passphrase;
  }

  async read(): Promise<RingState> {
    return (await this.#load()).state;
  }

  async secret(entry: KeyEntry): Promise<Uint8Array> {
    if (!isKeyId(entry.id)) throw new TypeError('a key entry without an id');
    await checkPrivateFolder(this.#folder);
    const path = join(this.#folder, nameOf(entry.id));
    const text = (await readPrivateFile(path, maxKeyFileLength)).toString('latin1');
    const { alg, secret } = await decodeKeyFile(text, this.#passphrase, path);
    try {
      if (alg !== entry.alg)
        throw keysInvalid(path, `holds a key of ${alg}, not of ${entry.alg}`, 'Restore it.');
      await checkSecret(entry, secret, path);
      return secret;
    } catch (error) {
      secret.fill(0);
      throw error;
    }
  }

  update(change: (state: RingState) => Maybe<RingChange | undefined>): Promise<RingState> {
    return withFolderLock(this.#folder, async (assertHeld) => {
      const { salt, state: before } = await this.#load();
      // What cannot be removed must not keep anybody from taking out a stolen key.
      await this.#removeOrphans(before).catch(warn);
      const changed = await change(before);
      if (changed === undefined) return before;
      const state: RingState = { ...changed.state, revision: before.revision + 1 };
      if (!isRingState(state)) throw new TypeError('not the state of a key ring');
      // The order makes every moment a good one to be killed in: a secret without an entry is an orphan, an entry never
      // lacks its secret, and what is to be erased is an orphan as soon as the manifest says so.
      await this.#writeSecrets(state, salt, changed.secrets ?? new Map());
      await this.#writeManifest({ salt, state }, assertHeld);
      const mark = await this.#mark();
      await eraseFiles(this.#folder, (changed.erase ?? []).map(nameOf));
      // Not before: if that fails, who called does not get the new state, and it is news to this process, too.
      this.#writtenMark = mark;
      return state;
    });
  }

  watch(listener: () => void): () => void {
    let known = this.#readMark;
    let timer: NodeJS.Timeout | undefined;
    let ended = false;
    const look = async () => {
      const mark = await this.#mark();
      if (ended) return;
      timer = setTimeout(look, lookInterval).unref();
      const isNews = mark !== known && mark !== this.#writtenMark;
      known = mark;
      if (isNews) listener();
    };
    look();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }

  async #load(): Promise<Manifest> {
    // What is read may be older than what another call sees meanwhile, but not older than what was known before.
    const { revision, digest } = this.#seen;
    await checkPrivateFolder(this.#folder);
    const path = join(this.#folder, manifestName);
    this.#readMark = await this.#mark();
    const text = (await readPrivateFile(path, maxManifestLength)).toString();
    const manifest = await decodeManifest(text, this.#passphrase, path);
    const found = seenOf(manifest);
    if (found.revision < revision || (found.revision === revision && found.digest !== digest)) {
      const problem = `is older than what this process has seen, or contradicts it (revision ${found.revision}, seen ${revision})`;
      throw keysInvalid(path, problem, 'Somebody put an old copy back. Restart if that was you.');
    }
    this.#note(found);
    return manifest;
  }

  #note(seen: Seen): void {
    if (seen.revision > this.#seen.revision) this.#seen = seen;
  }

  async #writeSecrets(
    { entries }: RingState,
    salt: string,
    secrets: ReadonlyMap<string, Uint8Array>,
  ): Promise<void> {
    const fileSalt = createHash('sha256').update(`sealwire/1 key files\0${salt}`).digest().subarray(0, 16);
    for (const [id, secret] of secrets) {
      const entry = entries.find((each) => each.id === id);
      if (entry === undefined) throw new TypeError('a secret without an entry');
      await checkSecret(entry, secret, join(this.#folder, nameOf(id)));
      const text = await encodeKeyFile(entry.alg, secret, this.#passphrase, fileSalt);
      await replaceFile(this.#folder, nameOf(id), text);
    }
  }

  async #writeManifest(manifest: Manifest, assertHeld: () => Promise<void>): Promise<void> {
    const text = await encodeManifest(manifest, this.#passphrase);
    if (Buffer.byteLength(text) > maxManifestLength)
      throw keysInvalid(join(this.#folder, manifestName), 'would become too large', 'Forget destroyed keys.');
    await replaceFile(this.#folder, manifestName, text, assertHeld);
    this.#note(seenOf(manifest));
  }

  /** Erases what a process that was killed left behind: secrets without a living entry, and unfinished files. */
  async #removeOrphans({ entries }: RingState): Promise<void> {
    const living = new Set(
      entries.filter(({ status }) => status !== 'destroyed').map(({ id }) => nameOf(id)),
    );
    const names = await onFiles(this.#folder, () => readdir(this.#folder));
    const isOrphan = (name: string) => temporaryName.test(name) || (keyName.test(name) && !living.has(name));
    await eraseFiles(this.#folder, names.filter(isOrphan));
  }

  /** Changes whenever the manifest does. */
  async #mark(): Promise<string> {
    try {
      const { ino, size, mtimeNs } = await stat(join(this.#folder, manifestName), { bigint: true });
      return `${ino} ${size} ${mtimeNs}`;
    } catch (error) {
      return `${errorCode(error)}`;
    }
  }
}

function seenOf({ state }: Manifest): Seen {
  return {
    revision: state.revision,
    digest: createHash('sha256').update(canonicalJson(state)).digest('base64url'),
  };
}
