import type { KEM, KEMFactory, KeyPair } from 'hpke';
import { kdf, loadKem } from '#kems';
import { allZero, concat } from './bytes.ts';
import { dhkemSecret } from './dhkem-secret.ts';
import { rejected, SealwireError } from './errors.ts';
import { KemKey } from './kem-key.ts';
import type { Maybe } from './primitives.ts';
import type { Suite, SuiteName } from './suites.ts';
import { withinLimit } from './time-limit.ts';

/**
 * A KEM private key that stays where it is: in an HSM, in a KMS, in another process. It does one of two things, and
 * either may take its time, up to 5 s.
 */
export type KemPrivateKey = PublicHalf & (RawDh | Decapsulation);

interface PublicHalf {
  readonly suite: SuiteName;
  /** As the key configuration has it: 1,216 bytes, 32, or 65 (an uncompressed point). */
  readonly pub: Uint8Array;
}

interface RawDh {
  /**
   * For X25519 and P-256. `peer` is a public key in the same form, on the curve.
   * @returns the u or x coordinate that both have in common, 32 bytes
   */
  dh(peer: Uint8Array): Maybe<Uint8Array>;
}

interface Decapsulation {
  /** `Decap` of RFC 9180, section 4: the 32-byte shared secret in `enc`. */
  decapsulate(enc: Uint8Array): Maybe<Uint8Array>;
}

/** How long a key that is kept elsewhere may take, in milliseconds. */
const keyTimeLimit = 5000;
const secretLength = 32;

/** What another place decapsulated, instead of a private key: good for one set-up. */
class DecapsulatedKey extends KemKey<undefined> {
  readonly #secret: Uint8Array;

  constructor(name: string, secret: Uint8Array) {
    super(name, 'private', false, undefined);
    this.#secret = secret;
  }

  take(): Uint8Array {
    return this.#secret;
  }
}

/** The same KEM, which also takes the pairs of {@link decapsulatedPair}. */
export function withDecapsulatedKeys(create: KEMFactory): KEMFactory {
  const kem = create();
  const extended: KEM = {
    ...kem,
    Decap: async (enc, skR, pkR) => (skR instanceof DecapsulatedKey ? skR.take() : kem.Decap(enc, skR, pkR)),
  };
  return () => extended;
}

/**
 * Has a key that is kept elsewhere decapsulate `enc`.
 * @throws SealwireError `rejected` for an `enc` that is no public key of the suite; `unavailable` if the key fails, is
 * late, or answers something else than 32 bytes
 */
export async function decapsulatedPair(suite: Suite, key: KemPrivateKey, enc: Uint8Array): Promise<KeyPair> {
  const kem = (await loadKem(suite.kem))();
  // Before anything is sent to the key: a point that is not on its curve could tell something about it.
  const publicKey = await kem.DeserializePublicKey(enc).catch(() => {
    throw rejected();
  });
  const name = publicKey.algorithm.name;
  return { publicKey, privateKey: new DecapsulatedKey(name, await decapsulate(suite, key, enc)) };
}

async function decapsulate(suite: Suite, key: KemPrivateKey, enc: Uint8Array): Promise<Uint8Array> {
  if ('decapsulate' in key) return answerOf(() => key.decapsulate(enc));
  const shared = await answerOf(() => key.dh(enc));
  if (allZero(shared)) throw rejected(); // RFC 9180, section 7.1.4
  return dhkemSecret(kdf(), suite.kem, shared, concat(enc, key.pub));
}

async function answerOf(ask: () => Maybe<Uint8Array>): Promise<Uint8Array> {
  try {
    const answer: unknown = await withinLimit(ask, keyTimeLimit);
    if (answer instanceof Uint8Array && answer.length === secretLength) return answer;
    throw new TypeError('The key answered something else than 32 bytes.');
  } catch (cause) {
    throw new SealwireError('unavailable', 'A key that is kept elsewhere did not answer.', { cause });
  }
}
