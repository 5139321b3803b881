import { suiteByName } from '@sealwire/core';
import { algorithmFor, everySuite, isPurpose } from './key-material.ts';
import type { KeyAlgorithm, KeyEntry, KeyStatus, RingState } from './storage.ts';

type Form = (value: unknown) => boolean;

const statuses: readonly KeyStatus[] = ['pending', 'active', 'retiring', 'disabled', 'destroyed'];
const maxEntries = 10_000;

const idForm = /^[A-Za-z0-9_-]{43}$/;
/** Ids become names of files. */
export const isKeyId: Form = (value) => typeof value === 'string' && idForm.test(value);

const isCount: Form = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isText: Form = (value) => typeof value === 'string';
const oneOf =
  (values: readonly unknown[]): Form =>
  (value) =>
    values.includes(value);

/** True for an object with all of these members, and none but these and the optional ones, each of its form. */
export function isObject(
  value: unknown,
  members: Readonly<Record<string, Form>>,
  optional: Readonly<Record<string, Form>> = {},
): boolean {
  if (!isRecord(value)) return false;
  const forms = new Map(Object.entries({ ...members, ...optional }));
  return (
    Object.keys(members).every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, member]) => forms.get(name)?.(member) === true)
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isFlag: Form = (value) => typeof value === 'boolean';
const times = {
  published: isCount,
  promoted: isCount,
  retired: isCount,
  disabled: isCount,
  destroyed: isCount,
};

const isEntry: Form = (value) => {
  const { purpose, alg } = isRecord(value) ? value : {};
  const isSymmetric = alg === 'AES-256-GCM' || alg === 'HMAC-SHA256';
  const members = {
    id: isKeyId,
    purpose: isPurpose,
    alg: oneOf(algorithmsFor(purpose)),
    status: oneOf(statuses),
    created: isCount,
  };
  const optional = { ...times, revoked: isFlag, elsewhere: isFlag, handshakes: isCount };
  return isObject(value, isSymmetric ? members : { ...members, pub: publicHalfOf(alg) }, optional);
};

function algorithmsFor(purpose: unknown): readonly KeyAlgorithm[] {
  if (!isPurpose(purpose)) return [];
  return purpose === 'kem' ? everySuite : [algorithmFor(purpose)];
}

/** Canonical base64url of as many bytes as a public key of the algorithm has. */
function publicHalfOf(alg: unknown): Form {
  const length = suiteByName(alg as string)?.pubLength ?? 32;
  return (value) => {
    if (typeof value !== 'string') return false;
    const bytes = Buffer.from(value, 'base64url');
    return bytes.length === length && bytes.toString('base64url') === value;
  };
}

const isSigned: Form = (value) =>
  isRecord(value) &&
  Object.values(value).every((each) => isObject(each, { body: isText, iat: isCount, exp: isCount }));

const areEntries: Form = (value) =>
  Array.isArray(value) &&
  value.length <= maxEntries &&
  value.every(isEntry) &&
  new Set(value.map(({ id }: KeyEntry) => id)).size === value.length;

/** True for what a key ring remembers, and nothing beside it; no id twice. */
export function isRingState(value: unknown): value is RingState {
  return isObject(value, {
    version: oneOf([1]),
    revision: isCount,
    seq: isCount,
    signed: isSigned,
    entries: areEntries,
  });
}
