import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { encodeBase64Url, generateKemKey, importKemKey, thumbprint } from '@sealwire/core';
import { isSecret } from '../../../../test/support/recording.ts';
import { symmetricKeyId } from '../../src/key-id.ts';
import { publicHalf } from '../../src/private-key-info.ts';
import type { KeyAlgorithm, KeyEntry, KeyStatus, RingChange, RingState } from '../../src/storage.ts';

export const passphrase = 'correct horse battery staple';
isSecret(passphrase);

export const algorithms: readonly KeyAlgorithm[] = [
  'MLKEM768-X25519',
  'X25519',
  'P-256',
  'Ed25519',
  'AES-256-GCM',
  'HMAC-SHA256',
];

export interface NewKey {
  readonly entry: KeyEntry;
  readonly secret: Uint8Array;
}

/** A new key, whose secret nobody may print. */
export async function newKey(alg: KeyAlgorithm, status: KeyStatus = 'active'): Promise<NewKey> {
  const key = await generated(alg, status);
  isSecret(key.secret);
  return key;
}

async function generated(alg: KeyAlgorithm, status: KeyStatus): Promise<NewKey> {
  const common = { alg, status, created: Date.now() };
  if (alg === 'AES-256-GCM' || alg === 'HMAC-SHA256') {
    const secret = new Uint8Array(randomBytes(32));
    const purpose = alg === 'AES-256-GCM' ? 'store-wrap' : 'audit';
    return { entry: { ...common, id: symmetricKeyId(alg, secret), purpose }, secret };
  }
  if (alg === 'Ed25519') {
    const der = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
    const secret = new Uint8Array(der.subarray(16));
    const pub = publicHalf(alg, secret);
    const id = await thumbprint(alg, pub);
    return { entry: { ...common, id, purpose: 'identity', pub: encodeBase64Url(pub) }, secret };
  }
  const { pub, secret } = await generateKemKey(alg);
  const { kid } = await importKemKey(alg, pub, secret.slice());
  return { entry: { ...common, id: kid, purpose: 'kem', pub: encodeBase64Url(pub) }, secret };
}

/** The change that adds keys to a ring. */
export function adding(...keys: readonly NewKey[]): (state: RingState) => RingChange {
  return (state) => ({
    state: { ...state, entries: [...state.entries, ...keys.map(({ entry }) => entry)] },
    secrets: new Map(keys.map(({ entry, secret }) => [entry.id, secret])),
  });
}

/** The change that destroys a key. */
export function destroying(id: string): (state: RingState) => RingChange {
  return (state) => ({
    state: {
      ...state,
      entries: state.entries.map((entry) => (entry.id === id ? { ...entry, status: 'destroyed' } : entry)),
    },
    erase: [id],
  });
}
