import { sha3_256, shake256 } from '@noble/hashes/sha3.js';
import { ml_kem768 as mlkem } from '@noble/post-quantum/ml-kem.js';
import type { KEM, KEMFactory } from 'hpke';
import { allZero, concat } from './bytes.ts';
import { rejected } from './errors.ts';
import { xwing } from './xwing.ts';

/** PKCS#8 of an X25519 private key (RFC 8410) up to its 32 octets. */
const pkcs8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);
/** The base point of RFC 7748: u = 9. */
const basePoint = Uint8Array.of(9, ...new Uint8Array(31));

async function x25519(sk: CryptoKey, pk: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const raw = pk as Uint8Array<ArrayBuffer>;
  const publicKey = await crypto.subtle.importKey('raw', raw, 'X25519', false, []);
  const shared = new Uint8Array(
    await crypto.subtle.deriveBits({ name: 'X25519', public: publicKey }, sk, 256),
  );
  if (allZero(shared)) throw rejected();
  return shared;
}

let kem: KEM | undefined;

/** MLKEM768-X25519 with noble's ML-KEM and the platform's X25519. */
export function loadXwing(): KEMFactory {
  kem ??= xwing<Uint8Array, CryptoKey>({
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    shake256: (data, length) => shake256(data, { dkLen: length }) as Uint8Array<ArrayBuffer>,
    sha3_256: (data) => sha3_256(data) as Uint8Array<ArrayBuffer>,
    mlkemKeyPair(seed) {
      const { secretKey, publicKey } = mlkem.keygen(seed);
      return { dk: secretKey, ek: publicKey };
    },
    mlkemEncapsulate(ek) {
      const { cipherText, sharedSecret } = mlkem.encapsulate(ek);
      return { ct: cipherText, ss: sharedSecret };
    },
    mlkemDecapsulate: (ct, dk) => mlkem.decapsulate(ct, dk),
    async x25519KeyPair(scalar) {
      const der = concat(pkcs8, scalar);
      const sk = await crypto.subtle.importKey('pkcs8', der, 'X25519', false, ['deriveBits']);
      der.fill(0);
      return { sk, pk: await x25519(sk, basePoint) };
    },
    x25519,
  });
  const made = kem;
  return () => made;
}
