import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needing } from '../../../test/support/needs.ts';
import { xwing } from '../src/xwing.ts';
import { fixedParts } from './support/mlkem.ts';
import { xwingVariants } from './support/platforms.ts';
import { throws } from './support/refusal.ts';
import { hex, readVectors, toHex } from './support/vectors.ts';

// draft-connolly-cfrg-xwing-kem, Appendix C.
interface XwingVector {
  readonly eseed: string;
  readonly ss: string;
  readonly sk: string;
  readonly pk: string;
  readonly ct: string;
}

const vectorTest = needing('vectors', test);
const readAll = () => readVectors<XwingVector[]>('xwing.json');

for (const variant of xwingVariants) {
  vectorTest(`a seed opens what its vector encapsulated (${variant.name})`, async () => {
    const kem = (await variant.load())();
    const vectors = readAll();
    assert.is(vectors.length, 3);
    for (const { sk, pk, ct, ss } of vectors) {
      const privateKey = await kem.DeserializePrivateKey(hex(sk), true);
      assert.is(toHex(await kem.Decap(hex(ct), privateKey, undefined)), ss);
      assert.is(toHex(await kem.SerializePrivateKey(privateKey)), sk);
      const { enc, shared_secret } = await kem.Encap(await kem.DeserializePublicKey(hex(pk)));
      assert.is(toHex(await kem.Decap(enc, privateKey, undefined)), toHex(shared_secret));
    }
  });

  vectorTest(`another ciphertext never gives the secret of a vector (${variant.name})`, async () => {
    const kem = (await variant.load())();
    for (const { sk, ct, ss } of readAll()) {
      const privateKey = await kem.DeserializePrivateKey(hex(sk), false);
      assert.is(toHex(await kem.Decap(hex(ct), privateKey, undefined)), ss);
      // Inside both parts of ML-KEM's ciphertext, and inside X25519's.
      for (const at of [0, 959, 960, 1087, 1088, 1119]) {
        const changed = hex(ct);
        changed[at] = (changed[at] as number) ^ 1;
        assert.is.not(toHex(await kem.Decap(changed, privateKey, undefined)), ss);
      }
    }
  });

  vectorTest(`an all-zero X25519 part is refused (${variant.name})`, async () => {
    const kem = (await variant.load())();
    for (const { sk, pk, ct, ss } of readAll()) {
      const privateKey = await kem.DeserializePrivateKey(hex(sk), false);
      assert.is(toHex(await kem.Decap(hex(ct), privateKey, undefined)), ss);
      const zeroCt = hex(ct).fill(0, 1088);
      assert.ok(await throws(() => kem.Decap(zeroCt, privateKey, undefined)));

      await kem.Encap(await kem.DeserializePublicKey(hex(pk)));
      const zeroPk = hex(pk).fill(0, 1184);
      assert.ok(await throws(async () => kem.Encap(await kem.DeserializePublicKey(zeroPk))));
    }
  });
}

vectorTest('key generation and encapsulation give the bytes of the draft for its randomness', async () => {
  for (const { eseed, sk, pk, ct, ss } of readAll()) {
    const generator = xwing(fixedParts({ random: hex(sk) }));
    const pair = await generator.GenerateKeyPair(true);
    assert.is(toHex(await generator.SerializePublicKey(pair.publicKey)), pk);
    assert.is(toHex(await generator.SerializePrivateKey(pair.privateKey)), sk);

    const randomness = hex(eseed);
    const sender = xwing(fixedParts({ m: randomness.slice(0, 32), random: randomness.slice(32) }));
    const { enc, shared_secret } = await sender.Encap(await sender.DeserializePublicKey(hex(pk)));
    assert.is(toHex(enc), ct);
    assert.is(toHex(shared_secret), ss);
  }
});

test.run();
