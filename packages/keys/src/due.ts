import type { KeyPurpose } from '@sealwire/core';
import { isAlike, type Rotation, scheduleOf, usableFrom, uselessFrom } from './rotation-policy.ts';
import type { KeyAlgorithm, KeyEntry } from './storage.ts';

/** One thing that the rotation of keys has to do. */
export type DueStep =
  | { readonly step: 'add'; readonly purpose: KeyPurpose; readonly alg: KeyAlgorithm }
  | { readonly step: 'promote' | 'retire' | 'disable' | 'destroy' | 'forget'; readonly entry: KeyEntry };

const rotated: readonly KeyPurpose[] = ['kem', 'store-wrap'];
/** What a destroyed key was is remembered this long, in milliseconds: the list must not grow for ever. */
const remembered = 365 * 86_400_000;

/** Every step that is due. The same for every process that looks at the same state at the same time. */
export function* dueSteps(
  entries: readonly KeyEntry[],
  rotation: Rotation,
  now: number,
): Generator<DueStep, undefined> {
  for (const entry of entries) {
    if (!rotated.includes(entry.purpose)) continue;
    const step = dueOf(entry, entries, rotation, now);
    if (step === 'add') yield { step, purpose: entry.purpose, alg: entry.alg };
    else if (step !== undefined) yield { step, entry };
  }
}

function dueOf(
  entry: KeyEntry,
  entries: readonly KeyEntry[],
  rotation: Rotation,
  now: number,
): DueStep['step'] | undefined {
  const { keep } = scheduleOf(entry.purpose, rotation);
  const alike = entries.filter((other) => isAlike(other, entry));
  switch (entry.status) {
    case 'pending':
      return now >= usableFrom(entry, entries, rotation) ? 'promote' : undefined;
    case 'active': {
      if (alike.some((other) => other.status === 'active' && isNewer(other, entry))) return 'retire';
      // A key that is kept elsewhere is made elsewhere, too.
      const begun = entry.elsewhere === true || alike.some(({ status }) => status === 'pending');
      return !begun && isWorn(entry, rotation, now) ? 'add' : undefined;
    }
    case 'retiring':
      return now >= uselessFrom(entry, rotation) ? 'disable' : undefined;
    case 'disabled':
      return now >= (entry.disabled ?? 0) + keep ? 'destroy' : undefined;
    case 'destroyed':
      return now >= (entry.destroyed ?? 0) + remembered ? 'forget' : undefined;
  }
}

function isNewer(other: KeyEntry, entry: KeyEntry): boolean {
  const [theirs = 0, ours = 0] = [other.promoted, entry.promoted];
  return theirs === ours ? other.id > entry.id : theirs > ours;
}

function isWorn(entry: KeyEntry, rotation: Rotation, now: number): boolean {
  const { maxAge, lead, overlap } = scheduleOf(entry.purpose, rotation);
  const age = now - (entry.promoted ?? 0);
  if (age >= maxAge * (1 - rotation.jitter * fractionOf(entry.id))) return true;
  // Anybody can do handshakes: keys must not follow one another faster than the steps of a rotation do.
  return (entry.handshakes ?? 0) >= rotation.maxHandshakes && age >= lead + overlap;
}

/** From 0 to 1, by chance, but the same in every process. */
function fractionOf(id: string): number {
  return Buffer.from(id, 'base64url').readUInt32BE() / 2 ** 32;
}
