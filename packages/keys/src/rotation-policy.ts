import { clockTolerance, type KeyPurpose, SealwireError } from '@sealwire/core';
import type { KeyEntry } from './storage.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** Times that are so far ahead still have a date, and fit into configurations. */
const longest = 36_525 * day;

/** When KEM keys are replaced. Durations in whole milliseconds, of 100 years at most. */
export interface RotationPolicy {
  /** After this long in use a key gets a successor. Default 30 days. */
  readonly maxAge?: number;
  /** After this many handshakes, too, though never sooner than `publishLead` and `overlap` have passed. Default: any number. */
  readonly maxHandshakes?: number;
  /**
   * How long a new key is published before it is used: longer than a cache keeps a configuration, and than an instance
   * takes to learn of a change. Default 1 hour.
   */
  readonly publishLead?: number;
  /**
   * How long a replaced key is still accepted. It bounds the life of configurations, so that none outlives a key that it
   * names. Default 25 hours: a configuration lasts 24 hours, and clocks differ.
   */
  readonly overlap?: number;
  /** How long a key that is accepted no more is kept before its secret is erased. Default 1 day. */
  readonly keepHistory?: number;
  /** By which part of `maxAge`, at most, a key is replaced earlier, so that not all are at once. Default 0.1. */
  readonly jitter?: number;
}

export type Rotation = Required<RotationPolicy>;

const defaults: Rotation = {
  maxAge: 30 * day,
  maxHandshakes: Number.POSITIVE_INFINITY,
  publishLead: hour,
  overlap: 25 * hour,
  keepHistory: day,
  jitter: 0.1,
};

/** @throws SealwireError `invalid-option` */
export function resolveRotation(policy: RotationPolicy = {}): Rotation {
  // JavaScript hands over whatever it likes.
  if (typeof policy !== 'object' || policy === null)
    throw new SealwireError('invalid-option', '`rotation` is an object, { maxAge } for example.');
  const names = Object.keys(defaults) as (keyof Rotation)[];
  for (const name of Object.keys(policy)) {
    if (!names.includes(name as keyof Rotation))
      throw new SealwireError(
        'invalid-option',
        `\`rotation\` has no \`${name}\`; it has ${names.join(', ')}.`,
      );
  }
  const rotation = { ...defaults, ...policy };
  for (const name of names) {
    const value = rotation[name];
    // A key that is not accepted for a moment after its retirement would fail whoever uses it just then.
    const least = name === 'keepHistory' || name === 'jitter' ? 0 : 1;
    const isDuration = name !== 'jitter' && name !== 'maxHandshakes';
    const most = isDuration ? longest : name === 'jitter' ? 1 : Number.POSITIVE_INFINITY;
    const isNumber = isDuration ? Number.isInteger(value) : typeof value === 'number';
    if (!isNumber || !(value >= least && value <= most)) {
      const what = isDuration ? 'whole number of milliseconds' : 'number';
      throw new SealwireError(
        'invalid-option',
        `\`rotation.${name}\` is a ${what} from ${least} to ${most}.`,
      );
    }
  }
  return rotation;
}

/** What becomes of the keys of one purpose, and when. */
export interface Schedule {
  readonly maxAge: number;
  readonly lead: number;
  readonly overlap: number;
  readonly keep: number;
}

/**
 * Sessions in a store live a day at most: no secret of one is wrapped under a key that has been retired for 25 hours.
 * Then the key is gone at once, and with it what a copy of the store could be opened with.
 */
const storeWrap: Schedule = { maxAge: day, lead: 5 * minute, overlap: 25 * hour, keep: 0 };
/** Signing keys, and those of the audit log, change when people decide so. */
const byHand: Schedule = { maxAge: Number.POSITIVE_INFINITY, lead: 0, overlap: 0, keep: 0 };

export function scheduleOf(purpose: KeyPurpose, rotation: Rotation): Schedule {
  if (purpose === 'store-wrap') return storeWrap;
  if (purpose !== 'kem') return byHand;
  const { maxAge, publishLead, overlap, keepHistory } = rotation;
  return { maxAge, lead: publishLead, overlap, keep: keepHistory };
}

/** True for keys that can stand for one another. */
export function isAlike(one: KeyEntry, other: KeyEntry): boolean {
  return one.purpose === other.purpose && one.alg === other.alg;
}

/**
 * From when on a pending key may become active: when everybody has had time to learn of it, or at once where nobody uses
 * another one; never, as long as it is not published.
 */
export function usableFrom(entry: KeyEntry, entries: readonly KeyEntry[], rotation: Rotation): number {
  const { purpose, published } = entry;
  if (published === undefined) return Number.POSITIVE_INFINITY;
  const first = !entries.some((other) => other.status === 'active' && isAlike(other, entry));
  return published + (first ? 0 : scheduleOf(purpose, rotation).lead);
}

/** From when on nobody may need a retiring key any more. */
export function uselessFrom({ purpose, retired = 0 }: KeyEntry, rotation: Rotation): number {
  return retired + scheduleOf(purpose, rotation).overlap;
}

/**
 * How long a configuration is valid: it ends before any key in it that retires a moment after it was signed, also by
 * the clock of a client that is behind as far as one may be.
 * @param longest in milliseconds
 */
export function configurationLife({ overlap }: Rotation, longest: number): number {
  return Math.min(longest, Math.floor(Math.max(overlap - clockTolerance, overlap / 2)));
}
