import { copyOf, decodeBase64Url, encodeBase64Url, fromUtf8, openConfiguration, utf8 } from '@sealwire/core';
import { keysInvalid } from './failures.ts';
import { checkSecret } from './key-id.ts';
import { isKeyId, isObject, isRecord, isRingState } from './ring-form.ts';
import { readConfiguration } from './signed-configuration.ts';
import type { KeyEntry, KeyStorage, RingState } from './storage.ts';

interface Bundle {
  readonly sealwire: 'bundle';
  readonly version: 1;
  readonly state: RingState;
  /** Secrets by id, base64url. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Keys that were handed over in one piece. They are in memory only, and nobody can change them. */
export class BundledKeys implements KeyStorage {
  readonly readOnly = true;
  readonly #place: string;
  readonly #state: RingState;
  readonly #secrets: ReadonlyMap<string, Uint8Array>;

  private constructor(place: string, state: RingState, secrets: ReadonlyMap<string, Uint8Array>) {
    this.#place = place;
    this.#state = state;
    this.#secrets = secrets;
  }

  /** State and secrets of a storage as JSON; the caller zeroes it. */
  static async encode(storage: KeyStorage): Promise<Uint8Array> {
    const state = await storage.read();
    const secrets: Record<string, string> = {};
    for (const entry of state.entries) {
      if (entry.status === 'destroyed' || entry.elsewhere === true) continue;
      const secret = await storage.secret(entry);
      secrets[entry.id] = encodeBase64Url(secret);
      secret.fill(0);
    }
    const bundle: Bundle = { sealwire: 'bundle', version: 1, state, secrets };
    return utf8(JSON.stringify(bundle));
  }

  /** Zeroes the bytes. @throws SealwireError `keys-invalid`, which calls them `place` */
  static async decode(bytes: Uint8Array, place: string): Promise<BundledKeys> {
    try {
      const { state, secrets } = parse(bytes);
      await Promise.all(Object.values(state.signed).map(({ body }) => checkSigned(body)));
      const decoded = Object.entries(secrets).map(([id, text]) => [id, decodeBase64Url(text)] as const);
      return new BundledKeys(place, state, new Map(decoded));
    } catch {
      // No cause: it could quote a part of it.
      throw keysInvalid(place, 'does not have the form of a key bundle', 'Make it with exportBundle().');
    } finally {
      bytes.fill(0);
    }
  }

  async read(): Promise<RingState> {
    return this.#state;
  }

  async secret(entry: KeyEntry): Promise<Uint8Array> {
    const secret = this.#secrets.get(entry.id);
    if (secret === undefined)
      throw keysInvalid(this.#place, `lacks the secret of the key ${entry.id}`, 'Export it again.');
    await checkSecret(entry, secret, this.#place);
    return copyOf(secret);
  }

  async update(): Promise<RingState> {
    const remedy = 'Change the keys where it was exported from, and export it again.';
    throw keysInvalid(this.#place, 'cannot be changed', remedy);
  }

  watch(): () => void {
    return () => {};
  }
}

/** Nothing else vouches for it, and clients would refuse what was damaged. */
async function checkSigned(body: string): Promise<void> {
  const [origin] = readConfiguration(body).payload.aud;
  if (origin !== undefined) await openConfiguration(utf8(body), { identities: undefined, origin });
}

function parse(bytes: Uint8Array): Bundle {
  const value: unknown = JSON.parse(fromUtf8(bytes));
  const isBundle = isObject(value, {
    sealwire: (name) => name === 'bundle',
    version: (version) => version === 1,
    state: isRingState,
    secrets: (secrets) =>
      isRecord(secrets) &&
      Object.entries(secrets).every(([id, text]) => isKeyId(id) && typeof text === 'string'),
  });
  if (!isBundle) throw new TypeError('not a bundle');
  return value as Bundle;
}
