import { type KDF, type KEM, LabeledExpand, LabeledExtract } from 'hpke';
import { concat, copyOf, u16, utf8 } from './bytes.ts';
import { dhkemSecret } from './dhkem-secret.ts';
import { KemKey } from './kem-key.ts';

/** A Diffie-Hellman group as a platform offers it: `Sk` and `Pk` are its private and public keys. */
export interface Group<Sk, Pk> {
  readonly name: string;
  /** KEM id of the HPKE registry. */
  readonly id: number;
  /** Length of a serialised public key in bytes. */
  readonly publicLength: number;
  /** RFC 9180, section 7.1.3: one try (X25519), or candidates until one is a scalar (the NIST curves). */
  readonly rejectionSampling: boolean;
  generate(): Sk;
  publicOf(sk: Sk): Pk;
  /** Throws unless the bytes are a public key of exactly the group's form. */
  importPublic(raw: Uint8Array): Pk;
  exportPublic(pk: Pk): Uint8Array<ArrayBuffer>;
  /** Throws unless the bytes are a scalar of the group. */
  importPrivate(raw: Uint8Array): Sk;
  exportPrivate(sk: Sk): Uint8Array<ArrayBuffer>;
  /** Throws on an all-zero result (RFC 9180, section 7.1.4). */
  dh(sk: Sk, pk: Pk): Uint8Array;
}

/** DHKEM (RFC 9180, section 4.1) over a platform's group, for `hpke`. */
export function dhkem<Sk, Pk>(group: Group<Sk, Pk>, kdf: KDF): KEM {
  interface PublicMaterial {
    pk: Pk;
    raw: Uint8Array<ArrayBuffer>;
  }
  interface PrivateMaterial {
    sk: Sk;
    /** The public key that belongs to it, serialised. */
    raw: Uint8Array<ArrayBuffer>;
  }
  const { name } = group;
  const suiteId = concat(utf8('KEM'), u16(group.id));
  const none = new Uint8Array();

  function publicKey(pk: Pk): KemKey<PublicMaterial> {
    return new KemKey(name, 'public', true, { pk, raw: group.exportPublic(pk) });
  }

  function keyPair(sk: Sk, extractable: boolean) {
    const pk = group.publicOf(sk);
    const material: PrivateMaterial = { sk, raw: group.exportPublic(pk) };
    return { privateKey: new KemKey(name, 'private', extractable, material), publicKey: publicKey(pk) };
  }

  /** RFC 9180, section 7.1.3. */
  async function derive(ikm: Uint8Array): Promise<Sk> {
    const prk = await LabeledExtract(kdf, suiteId, none, utf8('dkp_prk'), ikm);
    if (!group.rejectionSampling) {
      return group.importPrivate(await LabeledExpand(kdf, suiteId, prk, utf8('sk'), none, 32));
    }
    for (let counter = 0; counter < 256; counter++) {
      const candidate = await LabeledExpand(kdf, suiteId, prk, utf8('candidate'), Uint8Array.of(counter), 32);
      try {
        return group.importPrivate(candidate);
      } catch {
        // Zero, or not below the order of the group: the next candidate.
      }
    }
    throw new Error('no candidate is a scalar of the group');
  }

  return {
    id: group.id,
    type: 'KEM',
    name,
    Nsecret: 32,
    Nenc: group.publicLength,
    Npk: group.publicLength,
    Nsk: 32,
    DeriveKeyPair: async (ikm, extractable) => keyPair(await derive(ikm), extractable),
    GenerateKeyPair: async (extractable) => keyPair(group.generate(), extractable),
    SerializePublicKey: async (key) => copyOf(KemKey.unlock<PublicMaterial>(key, name, 'public').raw),
    DeserializePublicKey: async (raw) => publicKey(group.importPublic(raw)),
    async SerializePrivateKey(key) {
      if (!key.extractable) throw new TypeError('the private key is not extractable');
      return group.exportPrivate(KemKey.unlock<PrivateMaterial>(key, name, 'private').sk);
    },
    DeserializePrivateKey: async (raw, extractable) =>
      keyPair(group.importPrivate(raw), extractable).privateKey,

    async Encap(pkR) {
      const recipient = KemKey.unlock<PublicMaterial>(pkR, name, 'public');
      const ephemeral = group.generate();
      const enc = group.exportPublic(group.publicOf(ephemeral));
      const shared = group.dh(ephemeral, recipient.pk);
      return { shared_secret: await dhkemSecret(kdf, group.id, shared, concat(enc, recipient.raw)), enc };
    },

    async Decap(enc, skR) {
      const recipient = KemKey.unlock<PrivateMaterial>(skR, name, 'private');
      const shared = group.dh(recipient.sk, group.importPublic(enc));
      return dhkemSecret(kdf, group.id, shared, concat(enc, recipient.raw));
    },
  };
}
