import { sha3_256 } from '@noble/hashes/sha3.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { DhPair, EphemeralKem } from './kem.web.ts';
import { combine, mlkemCiphertextLength, mlkemPublicLength } from './xwing-combiner.ts';

/** Instead of bytes.ts, which would become a chunk more that every page loads: this one shares nothing. */
const joined = (a: Uint8Array, b: Uint8Array) => Uint8Array.of(...a, ...b);

/** What X-Wing takes of ML-KEM-768 (FIPS 203). */
export type Mlkem = Pick<typeof ml_kem768, 'keygen' | 'encapsulate' | 'decapsulate'>;

/**
 * X-Wing over ML-KEM in JavaScript and X25519 pairs as `generate` makes them: a chunk of its own, which is loaded only
 * where the platform has none. No seed stands behind keys that are never stored.
 */
export function xwing(generate: () => Promise<DhPair>, mlkem: Mlkem = ml_kem768): EphemeralKem {
  return {
    async generate() {
      const { secretKey, publicKey } = mlkem.keygen();
      const { pub: pkX, dh } = await generate();
      return {
        pub: joined(publicKey, pkX),
        async decap(enc) {
          const ctX = enc.subarray(mlkemCiphertextLength);
          const ssM = mlkem.decapsulate(enc.subarray(0, mlkemCiphertextLength), secretKey);
          return combine(sha3_256, ssM, await dh(ctX), ctX, pkX);
        },
      };
    },
    async encap(pub) {
      const pkX = pub.subarray(mlkemPublicLength);
      const { cipherText, sharedSecret } = mlkem.encapsulate(pub.subarray(0, mlkemPublicLength));
      const { pub: ctX, dh } = await generate();
      return {
        enc: joined(cipherText, ctX),
        shared: await combine(sha3_256, sharedSecret, await dh(pkX), ctX, pkX),
      };
    },
  };
}
