import { encodeBase64Url, formatPin, parsePin, thumbprint } from '@sealwire/core';
import { publicHalf } from './key-material.ts';
import type { KeyEntry } from './storage.ts';

/** The identities that sign now. */
export function signingIdentities(entries: readonly KeyEntry[]): KeyEntry[] {
  return entries.filter(({ purpose, status }) => purpose === 'identity' && status === 'active');
}

/** True if an identity whose secret the ring has signs. */
export function signsOnline(entries: readonly KeyEntry[]): boolean {
  return signingIdentities(entries).some(({ elsewhere }) => elsewhere !== true);
}

export function pinOf(entry: KeyEntry): string {
  return formatPin(publicHalf(entry));
}

/** The identity that a pin names. @throws SealwireError `invalid-option` */
export async function identityOf(pin: string): Promise<Pick<KeyEntry, 'id' | 'purpose' | 'alg' | 'pub'>> {
  const pub = parsePin(pin);
  const id = await thumbprint('Ed25519', pub);
  return { id, purpose: 'identity', alg: 'Ed25519', pub: encodeBase64Url(pub) };
}
