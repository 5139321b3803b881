import { SealwireError } from '@sealwire/core';
import type { KeyName } from './kem-objects.ts';
import type { Pin } from './pins.ts';
import type { TokenName } from './token-session.ts';

/** Which token, and how to use it. Exactly one of `label`, `serial` and `slot` names it. */
export interface TokenOptions extends TokenName {
  /** Path of the PKCS#11 module (a shared library) that came with the token. */
  readonly module: string;
  /** The PIN of the token's user, or a function that is asked for it at every login. */
  readonly pin: Pin;
  /** How many sessions to use, each in a thread of its own: so many handshakes at once. 1 to 64, default 4. */
  readonly sessions?: number;
}

const defaultSessions = 4;
const maxSessions = 64;

/** @throws SealwireError `invalid-option` */
export function checkOptions(options: TokenOptions): {
  module: string;
  token: TokenName;
  pin: Pin;
  sessions: number;
} {
  must(typeof options === 'object' && options !== null, 'Name a `module`, a token and its `pin`.');
  const { module, label, serial, slot, pin, sessions = defaultSessions } = options;
  must(isText(module), '`module` has to be the path of a PKCS#11 module.');
  const names = [label, serial, slot].filter((name) => name !== undefined);
  must(names.length === 1, 'Name the token by one of `label`, `serial` and `slot`.');
  must(label === undefined || isText(label), '`label` has to be a text.');
  must(serial === undefined || isText(serial), '`serial` has to be a text.');
  must(slot === undefined || isNumber(slot, 0, 2 ** 48 - 1), '`slot` has to be the number of a slot.');
  must(isText(pin) || typeof pin === 'function', '`pin` has to be a text, or a function that returns it.');
  must(isNumber(sessions, 1, maxSessions), `\`sessions\` has to be 1 to ${maxSessions}.`);
  const token =
    label !== undefined ? { label } : serial !== undefined ? { serial } : { slot: slot as number };
  return { module, token, pin, sessions };
}

/** @throws SealwireError `invalid-option` */
export function checkKeyName({ label, id }: KeyName): void {
  must(label !== undefined || id !== undefined, 'Name a key by `label`, `id` or both.');
  must(label === undefined || isText(label), 'The `label` of a key has to be a text.');
  const hexadecimal = typeof id === 'string' && /^(?:[0-9a-f]{2})+$/i.test(id);
  must(id === undefined || hexadecimal, 'The `id` of a key has to be bytes in hexadecimal, such as "01af".');
}

function must(condition: boolean, detail: string): void {
  if (!condition) throw new SealwireError('invalid-option', detail);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0;
}

function isNumber(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}
