import type { KeyPurpose } from '@sealwire/core';
import { isAlike, type Rotation, scheduleOf, usableFrom, uselessFrom } from './rotation-policy.ts';
import type { KeyAlgorithm, KeyEntry } from './storage.ts';

/** One thing that the rotation of keys has to do. */
export type DueStep =
  | { readonly step: 'add'; readonly purpose: KeyPurpose; readonly alg: KeyAlgorithm }
  | { readonly step: 'promote' | 'retire' | 'disable' | 'destroy' | 'forget'; readonly entry: KeyEntry };

const rotated: readonly KeyPurpose[] = ['kem', 'store-wrap'];
const day = 86_400_000;
/**
 * What a destroyed key was is remembered this long, in milliseconds: the list must not grow for ever. Where keys follow one
 * another fast, that holds for the latest of a kind only; of the others nothing but the sessions that an emergency ended
 * is of use to anybody, and those live a day at most.
 */
const [remembered, rememberedAtLeast, mostRemembered] = [365 * day, 2 * day, 100];

/** Every step that is due. The same for every process that looks at the same state at the same time. */
export function* dueSteps(
  entries: readonly KeyEntry[],
  rotation: Rotation,
  now: number,
): Generator<DueStep, undefined> {
  for (const entry of entries) {
    const next = nextStep(entry, entries, rotation);
    // Nothing is due at a time that is no number, or there would be no end of it.
    if (next === undefined || !(now >= next.from)) continue;
    const { step } = next;
    yield step === 'add' ? { step, purpose: entry.purpose, alg: entry.alg } : { step, entry };
  }
}

/** What the rotation does with a key next. */
export interface NextStep {
  /** `add`: another one, which is to take its place. */
  readonly step: DueStep['step'];
  /** From when on, server time in milliseconds. */
  readonly from: number;
}

/** The next step of a key by the policy; undefined where nothing changes unless somebody says so. */
export function nextStep(
  entry: KeyEntry,
  entries: readonly KeyEntry[],
  rotation: Rotation,
): NextStep | undefined {
  if (!rotated.includes(entry.purpose)) return undefined;
  const alike = entries.filter((other) => isAlike(other, entry));
  switch (entry.status) {
    case 'pending': {
      const from = usableFrom(entry, entries, rotation);
      return from === Number.POSITIVE_INFINITY ? undefined : { step: 'promote', from };
    }
    case 'active': {
      const newer = alike.filter((other) => other.status === 'active' && isNewer(other, entry));
      if (newer.length > 0) return { step: 'retire', from: Math.min(...newer.map(promotedAt)) };
      // A key that is kept elsewhere is made elsewhere, too.
      const begun = entry.elsewhere === true || alike.some(({ status }) => status === 'pending');
      return begun ? undefined : { step: 'add', from: wornFrom(entry, rotation) };
    }
    case 'retiring':
      return { step: 'disable', from: uselessFrom(entry, rotation) };
    case 'disabled':
      return { step: 'destroy', from: (entry.disabled ?? 0) + scheduleOf(entry.purpose, rotation).keep };
    case 'destroyed': {
      const destroyed = destroyedAt(entry);
      const later = alike.filter((other) => destroyedAt(other) > destroyed).length;
      return { step: 'forget', from: destroyed + (later < mostRemembered ? remembered : rememberedAtLeast) };
    }
  }
}

function isNewer(other: KeyEntry, entry: KeyEntry): boolean {
  const [theirs, ours] = [promotedAt(other), promotedAt(entry)];
  return theirs === ours ? other.id > entry.id : theirs > ours;
}

function promotedAt({ promoted = 0 }: KeyEntry): number {
  return promoted;
}

function destroyedAt({ destroyed = 0 }: KeyEntry): number {
  return destroyed;
}

/** From when on a key in use needs a successor. */
function wornFrom(entry: KeyEntry, rotation: Rotation): number {
  const { maxAge, lead, overlap } = scheduleOf(entry.purpose, rotation);
  const aged = promotedAt(entry) + maxAge * (1 - rotation.jitter * fractionOf(entry.id));
  if ((entry.handshakes ?? 0) < rotation.maxHandshakes) return aged;
  // Anybody can do handshakes: keys must not follow one another faster than the steps of a rotation do.
  return Math.min(aged, promotedAt(entry) + lead + overlap);
}

/** From 0 to 1, by chance, but the same in every process. */
function fractionOf(id: string): number {
  return Buffer.from(id, 'base64url').readUInt32BE() / 2 ** 32;
}
