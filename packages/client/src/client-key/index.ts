import { generateSigningKey, isSealwireError, SealwireError, type SigningKey } from '@sealwire/core';
import { type ClientKey, clientKeyOf } from './client-key.ts';
import { storedKey } from './key-database.ts';

export type { ClientKey };

export interface ClientKeyOptions {
  /**
   * Keeps the key under this name in IndexedDB: the same one for every tab and worker of the page's origin, and after a
   * restart, until the browser's data is deleted. Without a name it lasts as long as the object.
   */
  name?: string;
}

/**
 * A signing key that cannot be exported: Ed25519, or ECDSA on P-256 where the platform does not have that.
 *
 * @example
 * const clientKey = await createClientKey({ name: 'orders' });
 * console.log(clientKey.thumbprint); // for the server's `allowClients`
 * const sealedFetch = createSealedFetch({ origin, identity, clientKey });
 *
 * @throws SealwireError `invalid-option`; `crypto-unavailable`; `client-key-unavailable` if it cannot be kept here
 */
export async function createClientKey({ name }: ClientKeyOptions = {}): Promise<ClientKey> {
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw new SealwireError('invalid-option', '`name` is a name.');
  if (globalThis.crypto?.subtle === undefined) throw new SealwireError('crypto-unavailable');
  const key = await (name === undefined ? generateKey() : storedKey(name, generateKey));
  return clientKeyOf(key);
}

async function generateKey(): Promise<SigningKey> {
  try {
    return await generateSigningKey('Ed25519');
  } catch (error) {
    // WebCrypto, "normalize an algorithm".
    if (isSealwireError(error) || (error as Error).name !== 'NotSupportedError') throw error;
    return generateSigningKey('ES256');
  }
}
