import { type AeadKey, type MasterKey, messageKeys } from '#crypto';
import { requestKeyInput, responseKeyInput } from './key-schedule.ts';
import type { KeyAndNonce } from './primitives.ts';

/** What seals and opens the records of one message. */
export type MessageKeys = KeyAndNonce<AeadKey>;

type Derived = ReturnType<typeof messageKeys>;

/** The keys of request `n` of a session: at once on Node, promised on WebCrypto. */
export function requestKeys(master: MasterKey, n: number, nonceQ: Uint8Array): Derived {
  return messageKeys(master, requestKeyInput(n, nonceQ));
}

/** The keys of its response. */
export function responseKeys(master: MasterKey, n: number, nonceQ: Uint8Array, nonceP: Uint8Array): Derived {
  return messageKeys(master, responseKeyInput(n, nonceQ, nonceP));
}
