import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needing } from '../../../test/support/needs.ts';
import { setupRecipient, setupSender } from '../src/hpke.ts';
import { type Suite, suiteByKem } from '../src/suites.ts';
import { kemIds, kemVariants, platforms } from './support/platforms.ts';
import { throws } from './support/refusal.ts';
import { hex, readVectors, toHex } from './support/vectors.ts';

const p256 = suiteByKem(0x0010) as Suite;
const info = new Uint8Array();

// What the KEMs do with keys, beyond the vectors.

/** Order of P-256 (FIPS 186-5): a private key is a number from 1 to one less than this. */
const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

for (const id of kemIds) {
  for (const variant of kemVariants(id)) {
    const about = `${suiteByKem(id)?.name}, ${variant.name}`;

    test(`what one side encapsulates the other decapsulates (${about})`, async () => {
      const kem = (await variant.load())();
      const pair = await kem.GenerateKeyPair(false);
      const { enc, shared_secret } = await kem.Encap(pair.publicKey);
      assert.is(enc.length, kem.Nenc);
      assert.is(shared_secret.length, kem.Nsecret);
      assert.is(toHex(await kem.Decap(enc, pair.privateKey, pair.publicKey)), toHex(shared_secret));
      const again = await kem.Encap(pair.publicKey);
      assert.is.not(toHex(again.shared_secret), toHex(shared_secret));
    });

    test(`a key comes back from its own bytes (${about})`, async () => {
      const kem = (await variant.load())();
      const { privateKey, publicKey } = await kem.GenerateKeyPair(true);
      const sk = await kem.SerializePrivateKey(privateKey);
      const pk = await kem.SerializePublicKey(publicKey);
      assert.is(sk.length, kem.Nsk);
      assert.is(pk.length, kem.Npk);
      const read = await kem.DeserializePrivateKey(sk, true);
      assert.is(toHex(await kem.SerializePrivateKey(read)), toHex(sk));
      const { enc, shared_secret } = await kem.Encap(await kem.DeserializePublicKey(pk));
      assert.is(toHex(await kem.Decap(enc, read, publicKey)), toHex(shared_secret));
    });

    test(`a private key that is not extractable is not handed out (${about})`, async () => {
      const kem = (await variant.load())();
      const open = await kem.GenerateKeyPair(true);
      const sk = await kem.SerializePrivateKey(open.privateKey);
      assert.ok(open.privateKey.extractable);
      const generated = await kem.GenerateKeyPair(false);
      const derived = await kem.DeriveKeyPair(new Uint8Array(32), false);
      for (const key of [
        generated.privateKey,
        derived.privateKey,
        await kem.DeserializePrivateKey(sk, false),
      ]) {
        assert.not.ok(key.extractable);
        assert.ok(await throws(() => kem.SerializePrivateKey(key)));
      }
    });

    // A Buffer's `slice` is a view, not a copy; whoever gave or got the bytes of a key may wipe them.
    test(`a key keeps bytes of its own (${about})`, async () => {
      const kem = (await variant.load())();
      const derived = await kem.DeriveKeyPair(new Uint8Array(32).fill(1), true);
      const sk = Buffer.from(await kem.SerializePrivateKey(derived.privateKey));
      const pk = Buffer.from(await kem.SerializePublicKey(derived.publicKey));
      const [skHex, pkHex] = [toHex(sk), toHex(pk)];
      const read = {
        privateKey: await kem.DeserializePrivateKey(sk, true),
        publicKey: await kem.DeserializePublicKey(pk),
      };
      sk.fill(0);
      pk.fill(0);
      for (const { privateKey, publicKey } of [derived, read]) {
        for (let i = 0; i < 2; i++) {
          const seenSk = await kem.SerializePrivateKey(privateKey);
          const seenPk = await kem.SerializePublicKey(publicKey);
          assert.is(toHex(seenSk), skHex);
          assert.is(toHex(seenPk), pkHex);
          seenSk.fill(0);
          seenPk.fill(0);
        }
      }
    });

    test(`a key of another KEM is refused (${about})`, async () => {
      const kem = (await variant.load())();
      const own = await kem.GenerateKeyPair(false);
      const { enc } = await kem.Encap(own.publicKey);
      await kem.Decap(enc, own.privateKey, own.publicKey);
      for (const otherId of kemIds.filter((each) => each !== id)) {
        for (const otherVariant of kemVariants(otherId)) {
          const other = await (await otherVariant.load())().GenerateKeyPair(false);
          assert.ok(await throws(() => kem.Encap(other.publicKey)));
          assert.ok(await throws(() => kem.Decap(enc, other.privateKey, other.publicKey)));
          assert.ok(await throws(() => kem.Decap(enc, own.publicKey, own.publicKey)));
        }
      }
    });
  }
}

for (const { name, crypto } of platforms) {
  test(`a P-256 private key is a number from 1 to below the order (${name})`, async () => {
    const kem = (await crypto.loadKem(0x0010))();
    for (const scalar of [`${'00'.repeat(31)}01`, `${order.slice(0, -2)}50`]) {
      await kem.DeserializePrivateKey(hex(scalar), false);
    }
    for (const scalar of ['00'.repeat(32), order, `${order.slice(0, -2)}52`, 'ff'.repeat(32)]) {
      assert.ok(await throws(() => kem.DeserializePrivateKey(hex(scalar), false)), scalar);
    }
  });

  test(`a P-256 point is uncompressed and begins with 04 (${name})`, async () => {
    const kem = (await crypto.loadKem(0x0010))();
    const { privateKey, publicKey } = await kem.GenerateKeyPair(false);
    const point = await kem.SerializePublicKey(publicKey);
    assert.is(point[0], 0x04);
    await kem.DeserializePublicKey(point);
    // 06 and 07 are the hybrid form of X9.62: as long, and the point is the same.
    const hybrid = 0x06 | ((point[64] as number) & 1);
    for (const first of [hybrid, hybrid ^ 1, 0x00, 0x02, 0x03, 0x05]) {
      const other = Uint8Array.of(first, ...point.subarray(1));
      // What some platforms take is refused before it gets there.
      assert.ok(
        await throws(() => setupSender(p256, other, { info })),
        `public key that begins with ${first}`,
      );
      const pair = { privateKey, publicKey };
      assert.ok(
        await throws(() => setupRecipient(p256, pair, other, { info })),
        `enc that begins with ${first}`,
      );
    }
    const compressed = Uint8Array.of(0x02 | ((point[64] as number) & 1), ...point.subarray(1, 33));
    assert.ok(await throws(() => setupSender(p256, compressed, { info })));
    assert.ok(await throws(() => setupRecipient(p256, { privateKey, publicKey }, compressed, { info })));
  });

  test(`a P-256 point that is not on the curve is refused (${name})`, async () => {
    const kem = (await crypto.loadKem(0x0010))();
    const { privateKey, publicKey } = await kem.GenerateKeyPair(false);
    const point = await kem.SerializePublicKey(publicKey);
    const off = point.slice();
    off[64] = (off[64] as number) ^ 1;
    for (const other of [off, Uint8Array.of(4, ...new Uint8Array(64))]) {
      assert.ok(await throws(async () => kem.Encap(await kem.DeserializePublicKey(other))));
      assert.ok(await throws(() => kem.Decap(other, privateKey, publicKey)));
    }
  });

  needing('vectors', test)(`a candidate that is no P-256 scalar is passed over (${name})`, async () => {
    const vectors =
      readVectors<{ ikmR: string; pkRm: string; rejected_candidate?: string }[]>('hpke-bis.json');
    const edge = vectors.filter(({ rejected_candidate }) => rejected_candidate !== undefined);
    assert.is(edge.length, 1);
    const kem = (await crypto.loadKem(0x0010))();
    for (const { ikmR, pkRm } of edge) {
      const pair = await kem.DeriveKeyPair(hex(ikmR), false);
      assert.is(toHex(await kem.SerializePublicKey(pair.publicKey)), pkRm);
    }
  });
}

test.run();
