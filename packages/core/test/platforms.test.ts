import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { concat } from '../src/bytes.ts';
import { suiteByKem } from '../src/suites.ts';
import { kemIds, kemVariants, platforms } from './support/platforms.ts';
import { refusalCode, throws } from './support/refusal.ts';
import { toHex } from './support/vectors.ts';

// Every primitive of crypto.node.ts against the same one of crypto.web.ts.

const [node, web] = platforms.map(({ crypto }) => crypto) as [
  (typeof platforms)[number]['crypto'],
  (typeof platforms)[number]['crypto'],
];
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const data = fc.uint8Array({ maxLength: 300 });
const runs = { numRuns: 50 };

/** The bytes cut where the numbers say, empty pieces included. */
function cut(whole: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map((each) => each % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return at.slice(1).map((end, i) => whole.subarray(at[i], end));
}

test('SHA-256 is the same on both platforms', async () => {
  await fc.assert(
    fc.asyncProperty(data, async (input) => {
      assert.is(toHex(await node.sha256(input)), toHex(await web.sha256(input)));
    }),
    runs,
  );
});

test('HMAC-SHA512 under a master is the same on both platforms', async () => {
  await fc.assert(
    fc.asyncProperty(bytes(64), data, async (master, input) => {
      const macs = await Promise.all(
        [node, web].map(async (crypto) => crypto.hmacSha512(await crypto.importMaster(master), input)),
      );
      assert.is(macs[0]?.length, 64);
      assert.is(toHex(macs[0] as Uint8Array), toHex(macs[1] as Uint8Array));
    }),
    runs,
  );
});

test('a key stays what it was when the bytes it came from are zeroed', async () => {
  for (const { name, crypto } of platforms) {
    const [master, aead] = [crypto.randomBytes(64), crypto.randomBytes(32)];
    const kept = [master.slice(), aead.slice()] as const;
    const masterKey = await crypto.importMaster(master);
    const aeadKey = await crypto.importAeadKey(aead);
    master.fill(0);
    aead.fill(0);
    const nonce = new Uint8Array(12);
    const mac = await crypto.hmacSha512(await crypto.importMaster(kept[0]), nonce);
    assert.is(toHex(await crypto.hmacSha512(masterKey, nonce)), toHex(mac), name);
    const sealed = await crypto.aeadSeal(await crypto.importAeadKey(kept[1]), nonce, nonce, [nonce]);
    const again = await crypto.aeadSeal(aeadKey, nonce, nonce, [nonce]);
    assert.is(toHex(concat(...again)), toHex(concat(...sealed)), name);
  }
});

test('what one platform seals the other opens, in whatever pieces', async () => {
  await fc.assert(
    fc.asyncProperty(
      bytes(32),
      bytes(12),
      data,
      data,
      fc.array(fc.nat(), { maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 4 }),
      async (key, nonce, aad, plaintext, sealCuts, openCuts) => {
        const keys = { node: await node.importAeadKey(key), web: await web.importAeadKey(key) };
        const parts = cut(plaintext, sealCuts);
        const byNode = concat(...(await node.aeadSeal(keys.node, nonce, aad, parts)));
        const byWeb = concat(...(await web.aeadSeal(keys.web, nonce, aad, parts)));
        assert.is(toHex(byNode), toHex(byWeb));
        assert.is(byNode.length, plaintext.length + 16);

        const pieces = cut(byNode.subarray(0, plaintext.length), openCuts);
        const tag = byNode.subarray(plaintext.length);
        for (const opened of [
          await node.aeadOpen(keys.node, nonce, aad, pieces, tag),
          await web.aeadOpen(keys.web, nonce, aad, pieces, tag),
        ]) {
          assert.is(toHex(concat(...opened)), toHex(plaintext));
        }
      },
    ),
    runs,
  );
});

test('the 16 bytes of the tag stand at the end of the last sealed piece', async () => {
  for (const { crypto } of platforms) {
    const key = await crypto.importAeadKey(new Uint8Array(32));
    for (const parts of [
      [],
      [new Uint8Array()],
      [new Uint8Array(5)],
      [new Uint8Array(5), new Uint8Array(70)],
    ]) {
      const sealed = await crypto.aeadSeal(key, new Uint8Array(12), new Uint8Array(4), parts);
      const tag = (sealed.at(-1) as Uint8Array).slice(-16);
      assert.is(tag.length, 16);
      const whole = concat(...sealed);
      const ciphertext = whole.subarray(0, whole.length - 16);
      const opened = await crypto.aeadOpen(key, new Uint8Array(12), new Uint8Array(4), [ciphertext], tag);
      assert.is(concat(...opened).length, concat(...parts).length);
    }
  }
});

test('both platforms refuse any changed bit of key, nonce, AAD, ciphertext and tag alike', async () => {
  await fc.assert(
    fc.asyncProperty(
      bytes(32),
      bytes(12),
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.constantFrom('key', 'nonce', 'aad', 'ciphertext', 'tag'),
      fc.nat(),
      async (key, nonce, aad, plaintext, what, bit) => {
        const sealed = concat(
          ...(await node.aeadSeal(await node.importAeadKey(key), nonce, aad, [plaintext])),
        );
        const message = { key, nonce, aad, ciphertext: sealed.slice(0, -16), tag: sealed.slice(-16) };
        const open = async ({ crypto }: (typeof platforms)[number], given: typeof message) =>
          crypto.aeadOpen(
            await crypto.importAeadKey(given.key),
            given.nonce,
            given.aad,
            [given.ciphertext],
            given.tag,
          );
        const changed = message[what].slice();
        const at = bit % (changed.length * 8);
        changed[at >> 3] = (changed[at >> 3] as number) ^ (1 << (at & 7));
        for (const platform of platforms) {
          assert.is(toHex(concat(...(await open(platform, message)))), toHex(plaintext));
          assert.is(await refusalCode(() => open(platform, { ...message, [what]: changed })), 'rejected');
        }
      },
    ),
    runs,
  );
});

test('text of one character a byte is the same on both platforms', () => {
  fc.assert(
    fc.property(data, (input) => {
      const text = node.latin1(input);
      assert.is(web.latin1(input), text);
      assert.is(toHex(node.fromLatin1(text)), toHex(input));
      assert.is(toHex(web.fromLatin1(text)), toHex(input));
    }),
  );
});

test('base64url is the same on both platforms', () => {
  fc.assert(
    fc.property(data, (input) => {
      const text = node.toBase64(input);
      assert.is(web.toBase64(input), text);
      assert.is(toHex(node.fromBase64(text)), toHex(input));
      assert.is(toHex(web.fromBase64(text)), toHex(input));
      // A view into a larger buffer is read where it lies.
      assert.is(node.toBase64(input.subarray(1)), web.toBase64(input.slice(1)));
    }),
  );
});

test('HKDF-SHA256 is the same on both platforms', async () => {
  await fc.assert(
    fc.asyncProperty(
      data,
      data,
      data,
      fc.integer({ min: 1, max: 255 * 32 }),
      async (salt, ikm, info, length) => {
        const prk = await node.kdf().Extract(salt, ikm);
        assert.is(toHex(await web.kdf().Extract(salt, ikm)), toHex(prk));
        const okm = await node.kdf().Expand(prk, info, length);
        assert.is(okm.length, length);
        assert.is(toHex(await web.kdf().Expand(prk, info, length)), toHex(okm));
      },
    ),
    runs,
  );
});

test('random bytes have the length asked for and do not repeat', () => {
  for (const { crypto } of platforms) {
    for (const length of [0, 1, 12, 16, 32, 64, 1000]) assert.is(crypto.randomBytes(length).length, length);
    const seen = new Set(Array.from({ length: 100 }, () => toHex(crypto.randomBytes(16))));
    assert.is(seen.size, 100);
  }
});

for (const id of kemIds) {
  test(`every implementation of ${suiteByKem(id)?.name} derives the same keys and opens the others' secrets`, async () => {
    const kems = await Promise.all(kemVariants(id).map(async ({ load }) => (await load())()));
    const [first] = kems as [(typeof kems)[number], ...typeof kems];
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 64 }), async (ikm) => {
        const model = await first.DeriveKeyPair(ikm, false);
        const pub = await first.SerializePublicKey(model.publicKey);
        for (const kem of kems) {
          assert.is(kem.id, id);
          for (const size of ['Nsecret', 'Nenc', 'Npk', 'Nsk'] as const) assert.is(kem[size], first[size]);
          const { publicKey } = await kem.DeriveKeyPair(ikm, false);
          assert.is(toHex(await kem.SerializePublicKey(publicKey)), toHex(pub));
          const { enc, shared_secret } = await kem.Encap(await kem.DeserializePublicKey(pub));
          for (const other of kems) {
            const { privateKey, publicKey: own } = await other.DeriveKeyPair(ikm, false);
            assert.is(toHex(await other.Decap(enc, privateKey, own)), toHex(shared_secret));
          }
        }
      }),
      { numRuns: 15 },
    );
  });
}

test('HKDF-SHA256 has no one-stage derivation on either platform', async () => {
  for (const { crypto } of platforms) {
    assert.is(crypto.kdf().stages, 2);
    assert.ok(await throws(() => crypto.kdf().Derive(new Uint8Array(32), 32)));
  }
});

test.run();
