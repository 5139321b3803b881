import { SealwireError, type SuiteName, suiteByName } from '@sealwire/core';
import { pinOf } from './identities.ts';
import { isPurpose } from './key-material.ts';
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
  if ('imported' in key) {
    if (key.purpose !== 'identity' && suiteByName(key.imported.alg) === undefined) throw unknownSuite(key.imported.alg);
  } else if (key.purpose === 'kem' && suiteByName(key.suite) === undefined) throw unknownSuite(key.suite);
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
