// X-Wing as a browser's handshake uses it, with every ML-KEM that can stand behind it on this machine.
import { createHash } from 'node:crypto';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needing } from '../../../test/support/needs.ts';
import { dhPair, generateDhPair, xwingKem } from '../src/kem.web.ts';
import { loadKem } from '../src/kems.web.ts';
import { mlkem as noble } from '../src/mlkem.noble.ts';
import { type Mlkem, nativeMlkem } from '../src/mlkem.web.ts';
import { xwingVariants } from './support/platforms.ts';
import { throws } from './support/refusal.ts';
import { hex, readVectors, toHex } from './support/vectors.ts';

const x25519 = () => generateDhPair({ name: 'X25519' });
const native = await nativeMlkem();
const variants: { name: string; mlkem: Mlkem<unknown> }[] = [
  { name: 'noble', mlkem: noble as Mlkem<unknown> },
  ...(native === undefined ? [] : [{ name: 'WebCrypto', mlkem: native as Mlkem<unknown> }]),
];

test('ML-KEM of WebCrypto is used exactly where it is', async () => {
  const algorithm = { name: 'ML-KEM-768' } as unknown as 'Ed25519';
  const usages = ['encapsulateBits', 'decapsulateBits'] as unknown as KeyUsage[];
  const missing = await throws(() => crypto.subtle.generateKey(algorithm, false, usages));
  assert.is(native === undefined, missing);
});

for (const { name, mlkem } of variants) {
  for (const stored of xwingVariants) {
    const about = `${name}; ${stored.name}`;

    test(`it agrees with the KEM of stored keys, both ways (${about})`, async () => {
      const kem = (await stored.load())();
      const ours = xwingKem(mlkem, x25519);

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
    const kem = xwingKem(mlkem, x25519);
    const { pub } = await kem.generate();
    await kem.encap(pub);
    // FIPS 203, section 7.2: a coefficient is below 3329.
    assert.ok(await throws(() => kem.encap(pub.slice().fill(0xff, 0, 3))));
  });
}

needing('vectors', test)('a seed of the draft opens what was encapsulated to it', async () => {
  const vectors = readVectors<{ sk: string; pk: string; ct: string; ss: string }[]>('xwing.json');
  assert.is(vectors.length, 3);
  for (const { sk, pk, ct, ss } of vectors) {
    const expanded = createHash('shake256', { outputLength: 96 }).update(hex(sk)).digest();
    const { secretKey: dk, publicKey: ek } = ml_kem768.keygen(expanded.subarray(0, 64));
    const dh = (await loadKem(0x0020))();
    const privateKey = await dh.DeserializePrivateKey(new Uint8Array(expanded.subarray(64)), false);
    const publicKey = await dh.DeserializePublicKey(hex(pk).subarray(1184));
    const keys = { privateKey, publicKey } as CryptoKeyPair;
    const kem = xwingKem({ ...noble, generate: () => ({ dk, ek }) }, () => dhPair({ name: 'X25519' }, keys));
    const pair = await kem.generate();
    assert.is(toHex(pair.pub), pk);
    assert.is(toHex(await pair.decap(hex(ct))), ss);
  }
});

test.run();
