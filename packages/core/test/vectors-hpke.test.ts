import * as noble from '@panva/hpke-noble';
import {
  AEAD_AES_256_GCM,
  AEAD_EXPORT_ONLY,
  type AEADFactory,
  CipherSuite,
  type KDFFactory,
  type KEMFactory,
  type RecipientContext,
} from 'hpke';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needing } from '../../../test/support/needs.ts';
import { type Platform, platforms, xwingVariants } from './support/platforms.ts';
import { hex, readVectors, toHex } from './support/vectors.ts';

interface HpkeVector {
  readonly mode: number;
  readonly kem_id: number;
  readonly kdf_id: number;
  readonly aead_id: number;
  readonly info: string;
  readonly ikmR: string;
  readonly skRm: string;
  readonly pkRm: string;
  readonly ikmE?: string;
  readonly skEm?: string;
  readonly pkEm?: string;
  readonly enc: string;
  readonly shared_secret: string;
  readonly key: string;
  readonly base_nonce: string;
  readonly psk?: string;
  readonly psk_id?: string;
  readonly encryptions: readonly { seq?: number; aad: string; pt: string; ct: string }[];
  readonly exports: readonly { exporter_context: string; L: number; exported_value: string }[];
}

const vectorTest = needing('vectors', test);

/** KDFs and AEADs of vectors that are not those of our suites: the KEM is ours all the same. */
const otherKdfs = new Map<number, KDFFactory>(
  [
    noble.KDF_HKDF_SHA512,
    noble.KDF_SHAKE128,
    noble.KDF_SHAKE256,
    noble.KDF_TurboSHAKE128,
    noble.KDF_TurboSHAKE256,
  ].map((kdf) => [kdf().id, kdf]),
);
const aeads = new Map<number, AEADFactory>(
  [noble.AEAD_AES_128_GCM, AEAD_AES_256_GCM, noble.AEAD_ChaCha20Poly1305, AEAD_EXPORT_ONLY].map((aead) => [
    aead().id,
    aead,
  ]),
);

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`no ${what}`);
  return value;
}

const perFile = [
  ['hpke-rfc9180.json', 0x0020, 16],
  ['hpke-rfc9180.json', 0x0010, 16],
  ['hpke-bis.json', 0x0020, 10],
  ['hpke-bis.json', 0x0010, 7],
  ['hpke-pq.json', 0x0020, 1],
  ['hpke-pq.json', 0x0010, 1],
] as const;

function select(file: string, kem: number, count: number): HpkeVector[] {
  const vectors = readVectors<HpkeVector[]>(file).filter(({ kem_id, mode }) => kem_id === kem && mode < 2);
  assert.is(vectors.length, count);
  return vectors;
}

for (const platform of platforms) {
  for (const [file, id, count] of perFile) {
    const about = `${file}, KEM 0x${id.toString(16).padStart(4, '0')}, ${platform.name}`;

    vectorTest(`key pairs are derived as the vectors say (${about})`, async () => {
      const kem = await platform.crypto.loadKem(id);
      for (const vector of select(file, id, count)) await checkKeyPairs(vector, kem);
    });

    vectorTest(`secrets, exports and messages come out as the vectors say (${about})`, async () => {
      const kem = await platform.crypto.loadKem(id);
      for (const vector of select(file, id, count)) await checkContext(vector, platform, kem);
    });
  }
}

for (const variant of xwingVariants) {
  vectorTest(`X-Wing gives what the vectors of hpke-pq.json say (${variant.name})`, async () => {
    const kem = await variant.load();
    for (const vector of select('hpke-pq.json', 0x647a, 2)) {
      await checkKeyPairs(vector, kem);
      for (const platform of platforms) await checkContext(vector, platform, kem);
    }
  });
}

async function checkKeyPairs(vector: HpkeVector, kem: KEMFactory): Promise<void> {
  await checkKeyPair(kem, vector.ikmR, vector.skRm, vector.pkRm);
  if (vector.ikmE !== undefined && vector.skEm !== undefined && vector.pkEm !== undefined) {
    await checkKeyPair(kem, vector.ikmE, vector.skEm, vector.pkEm);
  }
}

async function checkKeyPair(kem: KEMFactory, ikm: string, sk: string, pk: string): Promise<void> {
  const pair = await kem().DeriveKeyPair(hex(ikm), true);
  assert.is(toHex(await kem().SerializePublicKey(pair.publicKey)), pk);
  assert.is(toHex(await kem().SerializePrivateKey(pair.privateKey)), sk);
}

async function checkContext(vector: HpkeVector, platform: Platform, kem: KEMFactory): Promise<void> {
  const kdf =
    vector.kdf_id === 1
      ? platform.crypto.kdf
      : required(otherKdfs.get(vector.kdf_id), `KDF ${vector.kdf_id}`);
  const aead = required(aeads.get(vector.aead_id), `AEAD ${vector.aead_id}`);
  const suite = new CipherSuite(kem, kdf, aead);

  const publicKey = await suite.DeserializePublicKey(hex(vector.pkRm));
  const privateKey = await suite.DeserializePrivateKey(hex(vector.skRm));
  assert.is(toHex(await kem().Decap(hex(vector.enc), privateKey, publicKey)), vector.shared_secret);

  const recipient = await suite.SetupRecipient({ privateKey, publicKey }, hex(vector.enc), {
    info: hex(vector.info),
    ...(vector.psk === undefined ? {} : { psk: hex(vector.psk), pskId: hex(vector.psk_id ?? '') }),
  });
  assert.is(recipient.mode, vector.mode);
  for (const { exporter_context, L, exported_value } of vector.exports) {
    assert.is(toHex(await recipient.Export(hex(exporter_context), L)), exported_value);
  }
  for (const { seq = recipient.seq, aad, pt, ct } of vector.encryptions) {
    await stepTo(recipient, seq, vector, aead);
    assert.is(toHex(await recipient.Open(hex(ct), hex(aad))), pt);
  }
}

/** Moves a context on by the messages that the file leaves out, sealed here under the vector's key and nonce. */
async function stepTo(context: RecipientContext, seq: number, vector: HpkeVector, aead: AEADFactory) {
  const none = new Uint8Array();
  while (context.seq < seq) {
    const nonce = hex(vector.base_nonce);
    const view = new DataView(nonce.buffer);
    view.setUint32(8, view.getUint32(8) ^ context.seq);
    await context.Open(await aead().Seal(hex(vector.key), nonce, none, none), none);
  }
  assert.is(context.seq, seq);
}

test.run();
