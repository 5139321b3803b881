import { type KEM, type Key, LabeledDerive } from 'hpke';
import { concat, copyOf, utf8 } from './bytes.ts';
import { KemKey } from './kem-key.ts';
import type { Maybe } from './primitives.ts';
import { combine, mlkemCiphertextLength, mlkemPublicLength, xwingId } from './xwing-combiner.ts';

const name = 'MLKEM768-X25519';
/** suite_id of a KEM: "KEM" || I2OSP(kem_id, 2). */
const suiteId = concat(utf8('KEM'), Uint8Array.of(0x64, 0x7a));

/** What X-Wing is put together from; a platform says how it does each. `Dk` and `Sk` are expanded private keys. */
export interface XWingParts<Dk, Sk> {
  /** SHAKE256, `length` bytes. */
  shake256(data: Uint8Array, length: number): Maybe<Uint8Array<ArrayBuffer>>;
  sha3_256(data: Uint8Array): Maybe<Uint8Array<ArrayBuffer>>;
  /** ML-KEM-768 key pair of a 64-byte seed `d || z` (FIPS 203). */
  mlkemKeyPair(seed: Uint8Array): Maybe<{ dk: Dk; ek: Uint8Array }>;
  mlkemEncapsulate(ek: Uint8Array): Maybe<{ ct: Uint8Array; ss: Uint8Array }>;
  mlkemDecapsulate(ct: Uint8Array, dk: Dk): Maybe<Uint8Array>;
  /** X25519 key pair of a 32-byte scalar. */
  x25519KeyPair(scalar: Uint8Array): Maybe<{ sk: Sk; pk: Uint8Array }>;
  /** X25519; refuses an all-zero result (RFC 7748, section 6.1). */
  x25519(sk: Sk, pk: Uint8Array): Maybe<Uint8Array>;
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
}

interface PrivateMaterial<Dk, Sk> {
  seed: Uint8Array;
  dk: Dk;
  sk: Sk;
  /** ML-KEM encapsulation key, then X25519 public key. */
  pub: Uint8Array;
}

/** MLKEM768-X25519 (X-Wing, KEM 0x647a) for `hpke`: seeds of 32 bytes, expanded once per key. */
export function xwing<Dk, Sk>(parts: XWingParts<Dk, Sk>): KEM {
  async function expand(seed: Uint8Array): Promise<PrivateMaterial<Dk, Sk>> {
    const expanded = await parts.shake256(seed, 96);
    const { dk, ek } = await parts.mlkemKeyPair(expanded.subarray(0, 64));
    const { sk, pk } = await parts.x25519KeyPair(expanded.subarray(64));
    expanded.fill(0);
    return { seed, dk, sk, pub: concat(ek, pk) };
  }

  function privateKey(material: PrivateMaterial<Dk, Sk>, extractable: boolean): Key {
    return new KemKey(name, 'private', extractable, material);
  }

  function publicKey(pub: Uint8Array): Key {
    return new KemKey(name, 'public', true, pub);
  }

  async function keyPair(seed: Uint8Array, extractable: boolean) {
    const material = await expand(seed);
    return { privateKey: privateKey(material, extractable), publicKey: publicKey(material.pub) };
  }

  return {
    id: xwingId,
    type: 'KEM',
    name,
    Nsecret: 32,
    Nenc: 1120,
    Npk: 1216,
    Nsk: 32,

    async DeriveKeyPair(ikm, extractable) {
      const kdf = { Derive: async (data: Uint8Array, length: number) => parts.shake256(data, length) };
      const seed = await LabeledDerive(kdf, suiteId, ikm, utf8('DeriveKeyPair'), new Uint8Array(), 32);
      return keyPair(seed, extractable);
    },

    GenerateKeyPair: (extractable) => keyPair(parts.randomBytes(32), extractable),

    async SerializePublicKey(key) {
      return copyOf(KemKey.unlock<Uint8Array>(key, name, 'public'));
    },

    async DeserializePublicKey(bytes) {
      return publicKey(copyOf(bytes));
    },

    async SerializePrivateKey(key) {
      if (!key.extractable) throw new TypeError('the private key is not extractable');
      return copyOf(KemKey.unlock<PrivateMaterial<Dk, Sk>>(key, name, 'private').seed);
    },

    async DeserializePrivateKey(seed, extractable) {
      return privateKey(await expand(copyOf(seed)), extractable);
    },

    async Encap(pkR) {
      const pub = KemKey.unlock<Uint8Array>(pkR, name, 'public');
      const pkX = pub.subarray(mlkemPublicLength);
      const { ct, ss } = await parts.mlkemEncapsulate(pub.subarray(0, mlkemPublicLength));
      const ephemeral = await parts.x25519KeyPair(parts.randomBytes(32));
      const ssX = await parts.x25519(ephemeral.sk, pkX);
      return {
        shared_secret: await combine(parts.sha3_256, ss, ssX, ephemeral.pk, pkX),
        enc: concat(ct, ephemeral.pk),
      };
    },

    async Decap(enc, skR) {
      const { dk, sk, pub } = KemKey.unlock<PrivateMaterial<Dk, Sk>>(skR, name, 'private');
      const ctX = enc.subarray(mlkemCiphertextLength);
      const ssM = await parts.mlkemDecapsulate(enc.subarray(0, mlkemCiphertextLength), dk);
      const ssX = await parts.x25519(sk, ctX);
      return combine(parts.sha3_256, ssM, ssX, ctX, pub.subarray(mlkemPublicLength));
    },
  };
}
