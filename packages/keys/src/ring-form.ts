import type { KeyAlgorithm, KeyEntry, KeyStatus, RingState } from './storage.ts';

type Form = (value: unknown) => boolean;

const statuses: readonly KeyStatus[] = ['pending', 'active', 'retiring', 'disabled', 'destroyed'];
const purposes: readonly KeyEntry['purpose'][] = ['kem', 'identity', 'store-wrap', 'ticket', 'audit'];
const symmetric: readonly KeyAlgorithm[] = ['AES-256-GCM', 'HMAC-SHA256'];
const asymmetric: readonly KeyAlgorithm[] = ['MLKEM768-X25519', 'X25519', 'P-256', 'Ed25519'];
const maxEntries = 10_000;

const idForm = /^[A-Za-z0-9_-]{43}$/;
/** Ids become names of files. */
export const isKeyId: Form = (value) => typeof value === 'string' && idForm.test(value);

const isCount: Form = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isText: Form = (value) => typeof value === 'string';
const isBase64Url: Form = (value) => typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value);
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
  const isSymmetric = isRecord(value) && symmetric.includes(value.alg as KeyAlgorithm);
  const members = {
    id: isKeyId,
    purpose: oneOf(purposes),
    alg: oneOf(isSymmetric ? symmetric : asymmetric),
    status: oneOf(statuses),
    created: isCount,
  };
  const optional = { ...times, revoked: isFlag, elsewhere: isFlag, handshakes: isCount };
  return isObject(value, isSymmetric ? members : { ...members, pub: isBase64Url }, optional);
};

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
