import {
  KDF_HKDF_SHA256,
  type KDFFactory,
  KEM_DHKEM_P256_HKDF_SHA256,
  KEM_DHKEM_X25519_HKDF_SHA256,
  type KEMFactory,
} from 'hpke';
import { loadXwing } from './xwing.web.ts';

// KEMs whose keys are kept: what a server outside of Node uses, and no client.

export const kdf: KDFFactory = KDF_HKDF_SHA256;

export async function loadKem(id: number): Promise<KEMFactory> {
  if (id === 0x0010) return KEM_DHKEM_P256_HKDF_SHA256;
  if (id === 0x0020) return KEM_DHKEM_X25519_HKDF_SHA256;
  if (id !== 0x647a) throw new TypeError(`no KEM has the id ${id}`);
  return loadXwing();
}
