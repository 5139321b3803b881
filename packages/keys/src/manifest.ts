// What is kept of a key ring beside its secrets, with a MAC under the passphrase: who can write the file but does not
// know the passphrase cannot change it.
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import { keysInvalid } from './failures.ts';
import { type Passphrase, writtenCost } from './passphrase.ts';
import { isKeyId, isObject, isRingState } from './ring-form.ts';
import type { RingState } from './storage.ts';

export interface Manifest {
  /** 32 bytes, base64url: whatever is derived in this folder begins with it. */
  readonly salt: string;
  readonly state: RingState;
}

const macLabel = 'sealwire/1 manifest';
const backup = 'Restore the folder from a backup';

/** JSON with its members in order of their names and no blanks: the same value gives the same text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}

export async function encodeManifest({ salt, state }: Manifest, passphrase: Passphrase): Promise<string> {
  const mac = macOf(await macKey(passphrase, salt), { salt, state }).toString('base64url');
  return `${JSON.stringify({ sealwire: 'manifest', version: 1, salt, mac, state }, undefined, 2)}\n`;
}

/** @throws SealwireError `keys-invalid`, which calls the file `place` */
export async function decodeManifest(text: string, passphrase: Passphrase, place: string): Promise<Manifest> {
  const value = parse(text);
  const isForm = isObject(value, {
    sealwire: (name) => name === 'manifest',
    version: (version) => version === 1,
    salt: isKeyId,
    mac: isKeyId,
    state: isRingState,
  });
  if (!isForm)
    throw keysInvalid(
      place,
      'does not have the form of a manifest: it was cut short or changed',
      `${backup}.`,
    );
  const { salt, mac, state } = value as { salt: string; mac: string; state: RingState };
  const expected = macOf(await macKey(passphrase, salt), { salt, state });
  const given = Buffer.from(mac, 'base64url');
  if (!timingSafeEqual(given, expected)) {
    const problem = 'does not authenticate: it was changed, or the passphrase is another';
    throw keysInvalid(place, problem, `Give the passphrase of this folder. ${backup} if that is right.`);
  }
  return { salt, state };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function macOf(key: KeyObject, { salt, state }: Manifest): Buffer {
  return createHmac('sha256', key).update(canonicalJson({ salt, state })).digest();
}

async function macKey(passphrase: Passphrase, salt: string): Promise<KeyObject> {
  const root = await passphrase.derive(Buffer.from(salt, 'base64url'), writtenCost);
  return createSecretKey(Buffer.from(hkdfSync('sha256', root, new Uint8Array(), macLabel, 32)));
}
