import type { EphemeralKem } from './kem.web.ts';

/** What "Modern Algorithms in the Web Cryptography API" adds, as far as it is used here. */
interface ModernSubtle {
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

const name = 'MLKEM768-X25519';
const bytes = (buffer: ArrayBuffer) => new Uint8Array(buffer);

/** X-Wing of the platform itself (Chromium >= 155); undefined where there is none. */
export async function nativeXwing(): Promise<EphemeralKem | undefined> {
  const subtle = crypto.subtle as unknown as ModernSubtle;
  const kem: EphemeralKem = {
    async generate() {
      const { privateKey, publicKey } = await subtle.generateKey(name, false, ['decapsulateBits']);
      return {
        pub: bytes(await subtle.exportKey('raw-public', publicKey)),
        decap: async (enc) => bytes(await subtle.decapsulateBits(name, privateKey, enc)),
      };
    },
    async encap(pub) {
      const key = await subtle.importKey('raw-public', pub, name, false, ['encapsulateBits']);
      const { ciphertext, sharedKey } = await subtle.encapsulateBits(name, key);
      return { enc: bytes(ciphertext), shared: bytes(sharedKey) };
    },
  };
  try {
    // All of it once: a platform may have the name and not every operation or format.
    const { pub, decap } = await kem.generate();
    await decap((await kem.encap(pub)).enc);
    return kem;
  } catch {
    return undefined;
  }
}
