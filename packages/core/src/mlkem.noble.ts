import { sha3_256 } from '@noble/hashes/sha3.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { Mlkem } from './mlkem.web.ts';

/** ML-KEM in JavaScript: a chunk of its own, which is loaded only where the platform has none. */
export const mlkem: Mlkem<Uint8Array> = {
  generate() {
    const { secretKey, publicKey } = ml_kem768.keygen();
    return { dk: secretKey, ek: publicKey };
  },
  encapsulate(ek) {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(ek);
    return { ct: cipherText, ss: sharedSecret };
  },
  decapsulate: (ct, dk) => ml_kem768.decapsulate(ct, dk),
  sha3_256,
};
