import type { Maybe } from './primitives.ts';

/** ML-KEM-768 (FIPS 203) and the hash that X-Wing takes; `Dk` is a decapsulation key. */
export interface Mlkem<Dk> {
  generate(): Maybe<{ dk: Dk; ek: Uint8Array }>;
  encapsulate(ek: Uint8Array): Maybe<{ ct: Uint8Array; ss: Uint8Array }>;
  decapsulate(ct: Uint8Array, dk: Dk): Maybe<Uint8Array>;
  sha3_256(data: Uint8Array): Maybe<Uint8Array>;
}

/** What "Modern Algorithms in the Web Cryptography API" adds, as far as it is used here. */
interface ModernSubtle {
  digest(algorithm: 'SHA3-256', data: Uint8Array): Promise<ArrayBuffer>;
  generateKey(name: string, extractable: boolean, usages: readonly string[]): Promise<CryptoKeyPair>;
  importKey(
    format: 'raw-public',
    data: Uint8Array,
    name: string,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  exportKey(format: 'raw-public', key: CryptoKey): Promise<ArrayBuffer>;
  encapsulateBits(name: string, key: CryptoKey): Promise<{ sharedKey: ArrayBuffer; ciphertext: ArrayBuffer }>;
  decapsulateBits(name: string, key: CryptoKey, ciphertext: Uint8Array): Promise<ArrayBuffer>;
}

const name = 'ML-KEM-768';
const bytes = (buffer: ArrayBuffer) => new Uint8Array(buffer);

/** The platform's own ML-KEM (Chromium >= 155, Node >= 24.7); undefined where there is none. */
export async function nativeMlkem(): Promise<Mlkem<CryptoKey> | undefined> {
  const subtle = crypto.subtle as unknown as ModernSubtle;
  const native: Mlkem<CryptoKey> = {
    async generate() {
      const { privateKey, publicKey } = await subtle.generateKey(name, false, ['decapsulateBits']);
      return { dk: privateKey, ek: bytes(await subtle.exportKey('raw-public', publicKey)) };
    },
    async encapsulate(ek) {
      const key = await subtle.importKey('raw-public', ek, name, false, ['encapsulateBits']);
      const { ciphertext, sharedKey } = await subtle.encapsulateBits(name, key);
      return { ct: bytes(ciphertext), ss: bytes(sharedKey) };
    },
    decapsulate: async (ct, dk) => bytes(await subtle.decapsulateBits(name, dk, ct)),
    sha3_256: async (data) => bytes(await subtle.digest('SHA3-256', data)),
  };
  try {
    // Every algorithm and format once: a platform may have some of them only.
    const { ek } = await native.generate();
    await Promise.all([native.encapsulate(ek), native.sha3_256(ek)]);
    return native;
  } catch {
    return undefined;
  }
}
