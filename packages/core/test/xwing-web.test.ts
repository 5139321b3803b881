// X-Wing as a browser's handshake uses it.
import { createHash } from 'node:crypto';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needing } from '../../../test/support/needs.ts';
import { type DhPair, dhPair, type EphemeralKem, generateDhPair } from '../src/kem.web.ts';
import { loadKem } from '../src/kems.web.ts';
import { xwing } from '../src/xwing.noble.ts';
import { nativeXwing } from '../src/xwing-native.web.ts';
import { xwingVariants } from './support/platforms.ts';
import { throws } from './support/refusal.ts';
import { hex, readVectors, toHex } from './support/vectors.ts';

const native = await nativeXwing();
const variants: { name: string; ours: EphemeralKem }[] = [
  { name: 'noble', ours: xwing(() => generateDhPair({ name: 'X25519' })) },
  ...(native === undefined ? [] : [{ name: 'WebCrypto', ours: native }]),
];

test("WebCrypto's own is used exactly where it is", async () => {
  const algorithm = { name: 'MLKEM768-X25519' } as unknown as 'Ed25519';
  const usages = ['encapsulateBits', 'decapsulateBits'] as unknown as KeyUsage[];
  const missing = await throws(() => crypto.subtle.generateKey(algorithm, false, usages));
  assert.is(native === undefined, missing);
});

for (const { name, ours } of variants) {
  for (const stored of xwingVariants) {
    test(`it agrees with the KEM of stored keys, both ways (${name}; ${stored.name})`, async () => {
      const kem = (await stored.load())();

      const key = await kem.GenerateKeyPair(false);
      const sent = await ours.encap(await kem.SerializePublicKey(key.publicKey));
      const opened = await kem.Decap(sent.enc, key.privateKey, key.publicKey);
      assert.is(toHex(opened), toHex(sent.shared));

      const pair = await ours.generate();
      const { enc, shared_secret } = await kem.Encap(await kem.DeserializePublicKey(pair.pub));
      assert.is(toHex(await pair.decap(enc)), toHex(shared_secret));
    });
  }

  test(`a public key that is none of ML-KEM is refused (${name})`, async () => {
    const { pub } = await ours.generate();
    await ours.encap(pub);
    // FIPS 203, section 7.2: a coefficient is below 3329.
    assert.ok(await throws(() => ours.encap(pub.slice().fill(0xff, 0, 3))));
  });
}

interface XwingVector {
  /** Randomness of the encapsulation: 32 bytes for ML-KEM, 32 for X25519. */
  readonly eseed: string;
  readonly sk: string;
  readonly pk: string;
  readonly ct: string;
  readonly ss: string;
}

/** The X25519 pair of a scalar. */
async function x25519Pair(scalar: Uint8Array, pub: Uint8Array): Promise<DhPair> {
  const kem = (await loadKem(0x0020))();
  const privateKey = await kem.DeserializePrivateKey(new Uint8Array(scalar), false);
  const publicKey = await kem.DeserializePublicKey(pub);
  return dhPair({ name: 'X25519' }, { privateKey, publicKey } as CryptoKeyPair);
}

needing('vectors', test)('secrets and encapsulations are those of the draft', async () => {
  const vectors = readVectors<XwingVector[]>('xwing.json');
  assert.is(vectors.length, 3);
  for (const { eseed, sk, pk, ct, ss } of vectors) {
    const expanded = createHash('shake256', { outputLength: 96 }).update(hex(sk)).digest();
    const recipient = xwing(() => x25519Pair(expanded.subarray(64), hex(pk).subarray(1184)), {
      ...ml_kem768,
      keygen: () => ml_kem768.keygen(expanded.subarray(0, 64)),
    });
    const pair = await recipient.generate();
    assert.is(toHex(pair.pub), pk);
    assert.is(toHex(await pair.decap(hex(ct))), ss);

    const sender = xwing(() => x25519Pair(hex(eseed).subarray(32), hex(ct).subarray(1088)), {
      ...ml_kem768,
      encapsulate: (ek) => ml_kem768.encapsulate(ek, hex(eseed).subarray(0, 32)),
    });
    const sent = await sender.encap(hex(pk));
    assert.is(toHex(sent.enc), ct);
    assert.is(toHex(sent.shared), ss);
  }
});

test.run();
