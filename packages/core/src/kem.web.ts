import { allZero, concat, u16, utf8 } from './bytes.ts';
import { rejected } from './errors.ts';
import { labeledHkdf, noSalt } from './hkdf.web.ts';
import { nativeXwing } from './xwing-native.web.ts';

// KEMs over WebCrypto with what a handshake's client needs: keys that live as long as it does.

/** A key pair, its private half inside. */
export interface KemPair {
  /** The public key as it is sent. */
  readonly pub: Uint8Array;
  /** The secret that somebody encapsulated towards `pub`. */
  decap(enc: Uint8Array): Promise<Uint8Array>;
}

export interface EphemeralKem {
  generate(): Promise<KemPair>;
  encap(pub: Uint8Array): Promise<{ enc: Uint8Array; shared: Uint8Array }>;
}

/** A key pair of a Diffie-Hellman group. */
export interface DhPair {
  readonly pub: Uint8Array;
  /** 32 bytes. @throws the platform's error for what is no key of the group; `rejected` for an all-zero result */
  dh(pub: Uint8Array): Promise<Uint8Array>;
}

export type DhAlgorithm = { name: 'X25519' } | { name: 'ECDH'; namedCurve: 'P-256' };

/** The pair of two keys of WebCrypto. */
export async function dhPair(
  algorithm: DhAlgorithm,
  { privateKey, publicKey }: CryptoKeyPair,
): Promise<DhPair> {
  return {
    pub: new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)),
    async dh(pub) {
      const raw = pub as Uint8Array<ArrayBuffer>;
      const other = await crypto.subtle.importKey('raw', raw, algorithm, false, []);
      const bits = await crypto.subtle.deriveBits({ name: algorithm.name, public: other }, privateKey, 256);
      const shared = new Uint8Array(bits);
      // RFC 9180, section 7.1.4. Platforms differ in whether they refuse it. On P-256 it does not happen.
      if (allZero(shared)) throw rejected();
      return shared;
    },
  };
}

export async function generateDhPair(algorithm: DhAlgorithm): Promise<DhPair> {
  const keys = await crypto.subtle.generateKey(algorithm, false, ['deriveBits']);
  return dhPair(algorithm, keys as CryptoKeyPair);
}

/** DHKEM (RFC 9180, section 4.1) over key pairs as `generate` makes them. */
export function dhkem(id: number, generate: () => Promise<DhPair>): EphemeralKem {
  const hkdf = labeledHkdf(concat(utf8('KEM'), u16(id)));

  async function secret(dh: Uint8Array, enc: Uint8Array, pkR: Uint8Array): Promise<Uint8Array> {
    const prk = await hkdf.extract(noSalt, 'eae_prk', dh);
    dh.fill(0);
    const shared = await hkdf.expand(prk, 'shared_secret', concat(enc, pkR), 32);
    prk.fill(0);
    return shared;
  }

  return {
    async generate() {
      const { pub, dh } = await generate();
      return { pub, decap: async (enc) => secret(await dh(enc), enc, pub) };
    },
    async encap(pkR) {
      const { pub: enc, dh } = await generate();
      return { enc, shared: await secret(await dh(pkR), enc, pkR) };
    },
  };
}

/**
 * True if the platform has what a KEM needs. X25519 is younger than the rest, and X-Wing contains it. What fails for
 * another reason is an error: it shall not lead to a weaker suite.
 */
export async function hasKem(id: number): Promise<boolean> {
  if (id === 0x0010) return true;
  try {
    await generateDhPair({ name: 'X25519' });
    return true;
  } catch (error) {
    // WebCrypto, "normalize an algorithm".
    if ((error as Error).name === 'NotSupportedError') return false;
    throw error;
  }
}

/** The KEM of a suite; code for X-Wing is loaded where the platform has none. */
export async function loadEphemeralKem(id: number): Promise<EphemeralKem> {
  if (id === 0x0010) return dhkem(id, () => generateDhPair({ name: 'ECDH', namedCurve: 'P-256' }));
  const x25519 = () => generateDhPair({ name: 'X25519' });
  if (id === 0x0020) return dhkem(id, x25519);
  return (await nativeXwing()) ?? (await import('./xwing.noble.ts')).xwing(x25519);
}
