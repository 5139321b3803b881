import { createHash } from 'node:crypto';
import { AEAD_AES_256_GCM, CipherSuite } from 'hpke';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needing } from '../../../test/support/needs.ts';
import { kdf } from '../src/kem.node.ts';
import { xwing } from '../src/xwing.ts';
import { decapsulators, fixedParts } from './support/mlkem.ts';
import { xwingVariants } from './support/platforms.ts';
import { throws } from './support/refusal.ts';
import { hex, readWycheproof, toHex } from './support/vectors.ts';

const vectorTest = needing('vectors', test);

interface DecapsulationCase {
  readonly seed: string;
  readonly ek?: string;
  readonly c: string;
  readonly K: string;
}

/** The cases with a seed of 64 bytes: X-Wing expands its own seed to nothing else. */
function readCases() {
  const cases = readWycheproof<DecapsulationCase>('mlkem_768_test.json');
  return cases.filter(({ seed }) => seed.length === 128);
}

for (const decapsulator of decapsulators) {
  const { name } = decapsulator;

  vectorTest(`ML-KEM-768 opens or refuses what Wycheproof says (${name})`, async () => {
    const counts = { valid: 0, invalid: 0, acceptable: 0 };
    for (const { tcId, seed, ek, c, K, result } of readCases()) {
      const open = () => decapsulator.open(hex(seed), hex(c));
      if (result === 'valid') {
        const opened = open();
        assert.is(toHex(opened.ek), ek, `case ${tcId}`);
        assert.is(toHex(opened.ss), K, `case ${tcId}`);
      } else {
        assert.ok(await throws(open), `case ${tcId}`);
      }
      counts[result]++;
    }
    assert.equal(counts, { valid: 153, invalid: 20, acceptable: 0 });
  });

  vectorTest(`X-Wing combines what ML-KEM gave, implicit rejection included (${name})`, async () => {
    const scalar = new Uint8Array(32).fill(0x40);
    let checked = 0;
    for (const { tcId, seed, ek, c, K } of readCases().filter(({ result }) => result === 'valid')) {
      const parts = fixedParts({ expanded: new Uint8Array([...hex(seed), ...scalar]), decapsulator });
      const kem = xwing(parts);
      const { publicKey, privateKey } = await kem.GenerateKeyPair(false);
      const pub = toHex(await kem.SerializePublicKey(publicKey));
      assert.is(pub.slice(0, 2368), ek, `case ${tcId}`);

      const other = await parts.x25519KeyPair(new Uint8Array(32).fill(0x50));
      const shared = await parts.x25519(scalar, other.pk);
      const expected = createHash('sha3-256')
        .update(hex(`${K}${toHex(shared)}${toHex(other.pk)}${pub.slice(2368)}5c2e2f2f5e5c`))
        .digest('hex');
      const enc = hex(c + toHex(other.pk));
      assert.is(toHex(await kem.Decap(enc, privateKey, publicKey)), expected, `case ${tcId}`);
      checked++;
    }
    assert.is(checked, 153);
  });
}

vectorTest('a seed gives the encapsulation key that Wycheproof says', () => {
  const cases = readWycheproof<{ seed: string; ek: string }>('mlkem_768_keygen_seed_test.json');
  assert.is(cases.length, 25);
  for (const { seed, ek } of cases) {
    for (const { open } of decapsulators) assert.is(toHex(open(hex(seed), new Uint8Array(1088)).ek), ek);
  }
});

for (const variant of xwingVariants) {
  vectorTest(`X-Wing encapsulates to no ML-KEM key that FIPS 203 refuses (${variant.name})`, async () => {
    const suite = new CipherSuite(await variant.load(), kdf, AEAD_AES_256_GCM);
    const x25519Pub = new Uint8Array(32).fill(9);
    const counts = { valid: 0, invalid: 0, acceptable: 0 };
    for (const { tcId, ek, result } of readWycheproof<{ ek: string }>('mlkem_768_encaps_test.json')) {
      const pub = new Uint8Array([...hex(ek), ...x25519Pub]);
      const setUp = async () => suite.SetupSender(await suite.DeserializePublicKey(pub));
      if (result === 'valid') assert.is((await setUp()).encapsulatedSecret.length, 1120, `case ${tcId}`);
      else assert.ok(await throws(setUp), `case ${tcId}`);
      counts[result]++;
    }
    assert.equal(counts, { valid: 40, invalid: 132, acceptable: 0 });
  });
}

test.run();
