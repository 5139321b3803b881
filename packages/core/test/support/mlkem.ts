import { createHash, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { ml_kem768 as noble } from '@noble/post-quantum/ml-kem.js';
import { hasNativeMlkem, loadMlkem } from '../../src/kem.node.ts';
import type { XWingParts } from '../../src/xwing.ts';

// X-Wing's parts with everything that is random, and the expansion of its seed, given from outside: so that a vector
// for ML-KEM, whose key seed X-Wing would derive, and one for encapsulation can go through src/xwing.ts.

export interface MlkemDecapsulator {
  readonly name: string;
  /** Shared secret of a ciphertext under the key of a 64-byte seed, and that key's public half. */
  open(seed: Uint8Array, ct: Uint8Array): { ek: Uint8Array; ss: Uint8Array };
}

async function decapsulator(native: boolean): Promise<MlkemDecapsulator> {
  const mlkem = await loadMlkem(native);
  return {
    name: native ? 'native ML-KEM' : 'ML-KEM of noble',
    open(seed, ct) {
      const { dk, ek } = mlkem.mlkemKeyPair(seed) as { dk: unknown; ek: Uint8Array };
      return { ek, ss: mlkem.mlkemDecapsulate(ct, dk) as Uint8Array };
    },
  };
}

const nobleDecapsulator = await decapsulator(false);
export const decapsulators = hasNativeMlkem
  ? [await decapsulator(true), nobleDecapsulator]
  : [nobleDecapsulator];

const x25519Pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const x25519Spki = Buffer.from('302a300506032b656e032100', 'hex');

export interface FixedInput {
  /** Instead of SHAKE256(seed, 96): 64 bytes for ML-KEM, 32 for X25519. Left out: the real one. */
  readonly expanded?: Uint8Array;
  /** Randomness of ML-KEM's encapsulation. */
  readonly m?: Uint8Array;
  /** What `randomBytes` answers. */
  readonly random?: Uint8Array;
  readonly decapsulator?: MlkemDecapsulator;
}

export function fixedParts(input: FixedInput): XWingParts<Uint8Array, Uint8Array> {
  const decapsulator = input.decapsulator ?? nobleDecapsulator;
  const dh = (scalar: Uint8Array, pk: Uint8Array) =>
    diffieHellman({
      privateKey: createPrivateKey({
        key: Buffer.concat([x25519Pkcs8, scalar]),
        format: 'der',
        type: 'pkcs8',
      }),
      publicKey: createPublicKey({ key: Buffer.concat([x25519Spki, pk]), format: 'der', type: 'spki' }),
    });
  return {
    shake256: (data, length) =>
      new Uint8Array(
        input.expanded ?? createHash('shake256', { outputLength: length }).update(data).digest(),
      ),
    sha3_256: (data) => new Uint8Array(createHash('sha3-256').update(data).digest()),
    mlkemKeyPair(seed) {
      const kept = seed.slice();
      return { dk: kept, ek: noble.keygen(kept).publicKey };
    },
    mlkemEncapsulate(ek) {
      const { cipherText, sharedSecret } = noble.encapsulate(ek, input.m);
      return { ct: cipherText, ss: sharedSecret };
    },
    mlkemDecapsulate: (ct, dk) => decapsulator.open(dk, ct).ss,
    x25519KeyPair(scalar) {
      const kept = scalar.slice();
      return { sk: kept, pk: dh(kept, Uint8Array.of(9, ...new Uint8Array(31))) };
    },
    x25519: dh,
    randomBytes: () => new Uint8Array(input.random ?? new Uint8Array(32)),
  };
}
