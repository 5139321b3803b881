import { SealwireError, type SuiteName, suiteByName } from '@sealwire/core';
import { pinOf } from './identities.ts';
import { type ImportedPair, isPurpose } from './key-material.ts';
import { unknownSuite } from './ring-options.ts';
import type { KeyEntry } from './storage.ts';

/** What is to be added: a KEM key of a suite, or a key for something else. */
export type KeyToAdd =
  | { readonly purpose: 'kem'; readonly suite: SuiteName }
  /** `pin`: an identity whose secret is elsewhere. */
  | { readonly purpose: 'identity'; readonly pin?: string }
  /** One that was made elsewhere, and is kept here from now on. */
  | { readonly purpose: 'kem' | 'identity'; readonly imported: ImportedPair }
  | { readonly purpose: 'store-wrap' | 'ticket' | 'audit' };

/** What anybody may know of a key. */
export type PublicKeyInfo = Pick<KeyEntry, 'id' | 'purpose' | 'alg' | 'pub' | 'status'> & {
  /** Of an identity: what clients pin. */
  readonly pin?: string;
};

export interface ExportedKey extends PublicKeyInfo {
  /** As `RingChange` of a storage has it. */
  readonly secret: Uint8Array;
}

/** @throws SealwireError `invalid-option` */
export function checkKeyToAdd(key: KeyToAdd): void {
  if (!isPurpose(key.purpose))
    throw new SealwireError('invalid-option', `There is no purpose ${JSON.stringify(key.purpose)}.`);
  if (key.purpose === 'identity' && 'imported' in key && key.imported.alg !== 'Ed25519')
    throw new SealwireError('invalid-option', 'An identity is a key of Ed25519.');
  if (key.purpose !== 'kem') return;
  const name = 'imported' in key ? key.imported.alg : key.suite;
  if (suiteByName(name) === undefined) throw unknownSuite(name);
}

export function publicInfo(entry: KeyEntry): PublicKeyInfo {
  const { id, purpose, alg, pub, status } = entry;
  return {
    id,
    purpose,
    alg,
    status,
    ...(pub !== undefined && { pub }),
    ...(purpose === 'identity' && { pin: pinOf(entry) }),
  };
}
