// HPKE over WebCrypto against the vectors of RFC 9180 and, in both directions, against other implementations.
import { createCipheriv } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needing } from '../../../test/support/needs.ts';
import { generateKemPair, keySchedule, setupRecipient, setupSender } from '../src/hpke.web.ts';
import { type DhAlgorithm, dhkem, dhPair } from '../src/kem.web.ts';
import { loadKem } from '../src/kems.web.ts';
import { suites } from '../src/suites.ts';
import { libraries } from './support/oracle.ts';
import { refusalCode, throws } from './support/refusal.ts';
import { hex, readVectors, toHex } from './support/vectors.ts';

const info = new Uint8Array(Buffer.from('info'));
const text = new Uint8Array(Buffer.from('text'));
const psk = new Uint8Array(32).fill(3);

interface HpkeVector {
  readonly mode: number;
  readonly kem_id: number;
  readonly kdf_id: number;
  readonly aead_id: number;
  readonly info: string;
  readonly skRm: string;
  readonly pkRm: string;
  readonly skEm: string;
  readonly pkEm: string;
  readonly enc: string;
  readonly shared_secret: string;
  readonly key: string;
  readonly base_nonce: string;
  readonly psk?: string;
  readonly psk_id?: string;
  readonly exports: readonly { exporter_context: string; L: number; exported_value: string }[];
}

const groups: [id: number, algorithm: DhAlgorithm][] = [
  [0x0020, { name: 'X25519' }],
  [0x0010, { name: 'ECDH', namedCurve: 'P-256' }],
];

/** A KEM whose every key pair is the one of a vector; the library reads that. */
async function fixedKem(id: number, algorithm: DhAlgorithm, sk: string, pk: string) {
  const kem = (await loadKem(id))();
  const privateKey = (await kem.DeserializePrivateKey(hex(sk), false)) as CryptoKey;
  const publicKey = (await kem.DeserializePublicKey(hex(pk))) as CryptoKey;
  return dhkem(id, () => dhPair(algorithm, { privateKey, publicKey }));
}

function sealedByNode({ key, base_nonce }: HpkeVector, plaintext: Uint8Array): string {
  const cipher = createCipheriv('aes-256-gcm', hex(key), hex(base_nonce));
  return toHex(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
}

for (const [id, algorithm] of groups) {
  needing('vectors', test)(
    `secrets, keys and exports are those of RFC 9180 (${algorithm.name})`,
    async () => {
      const vectors = readVectors<HpkeVector[]>('hpke-rfc9180.json').filter(
        ({ kem_id, kdf_id, aead_id, mode }) => kem_id === id && kdf_id === 1 && aead_id === 2 && mode < 2,
      );
      assert.equal(vectors.map(({ mode }) => mode).sort(), [0, 1]);
      for (const vector of vectors) {
        const recipient = await (await fixedKem(id, algorithm, vector.skRm, vector.pkRm)).generate();
        assert.is(toHex(recipient.pub), vector.pkRm);
        const shared = await recipient.decap(hex(vector.enc));
        assert.is(toHex(shared), vector.shared_secret);
        const sender = await fixedKem(id, algorithm, vector.skEm, vector.pkEm);
        const encapsulated = await sender.encap(hex(vector.pkRm));
        assert.is(toHex(encapsulated.enc), vector.enc);
        assert.is(toHex(encapsulated.shared), vector.shared_secret);

        const about = {
          info: hex(vector.info),
          psk: vector.psk === undefined ? undefined : hex(vector.psk),
          pskId: hex(vector.psk_id ?? ''),
        };
        const ctx = await keySchedule(id, { ...about, shared });
        assert.is(toHex(await ctx.Seal(text)), sealedByNode(vector, text));
        const opening = await keySchedule(id, { ...about, shared: encapsulated.shared });
        assert.is(toHex(await opening.Open(hex(sealedByNode(vector, text)))), toHex(text));
        for (const { exporter_context, L, exported_value } of vector.exports) {
          assert.is(toHex(await ctx.Export(hex(exporter_context), L)), exported_value);
        }
      }
    },
  );
}

for (const suite of suites) {
  for (const library of libraries) {
    for (const [mode, input] of [
      ['base', { info }],
      ['PSK', { info, psk }],
    ] as const) {
      const about = `${suite.name}, ${library.name}, ${mode} mode`;
      const given = 'psk' in input ? input.psk : undefined;

      test(`another implementation opens what WebCrypto sealed (${about})`, async () => {
        const key = await library.generate(suite.kem);
        const { enc, ctx } = await setupSender(suite, key.pub, input);
        const other = await key.recipient(enc, info, given);
        assert.is(toHex(await other.open(await ctx.Seal(text))), toHex(text));
        assert.is(toHex(await other.export(text, 80)), toHex(await ctx.Export(text, 80)));
      });

      test(`WebCrypto opens what another implementation sealed (${about})`, async () => {
        const { pair, pub } = await generateKemPair(suite);
        const other = await library.sender(suite.kem, pub, info, given);
        const ctx = await setupRecipient(suite, pair, other.enc, input);
        assert.is(toHex(await ctx.Open(await other.seal(text))), toHex(text));
        assert.is(toHex(await ctx.Export(text, 80)), toHex(await other.export(text, 80)));
      });
    }
  }

  test(`a changed enc opens nothing (${suite.name})`, async () => {
    const { pair, pub } = await generateKemPair(suite);
    const { enc, ctx } = await setupSender(suite, pub, { info });
    const sealed = await ctx.Seal(text);
    const open = async (given: Uint8Array) =>
      (await setupRecipient(suite, pair, given, { info })).Open(sealed);
    assert.is(toHex(await open(enc)), toHex(text));
    for (const at of [1, enc.length >> 1, enc.length - 2]) {
      const changed = enc.slice();
      changed[at] = (changed[at] as number) ^ 1;
      assert.ok(await throws(() => open(changed)), `byte ${at}`);
    }
  });

  test(`a public key of another length is refused (${suite.name})`, async () => {
    const { pub } = await generateKemPair(suite);
    await setupSender(suite, pub, { info });
    for (const other of [new Uint8Array(), pub.subarray(1), new Uint8Array([...pub, 0])]) {
      assert.is(await refusalCode(() => setupSender(suite, other, { info })), 'rejected');
    }
  });

  test(`a nonce is used once, whoever calls and however fast (${suite.name})`, async () => {
    const { pair, pub } = await generateKemPair(suite);
    const { enc, ctx } = await setupSender(suite, pub, { info });
    const [first, second] = await Promise.allSettled([ctx.Seal(text), ctx.Seal(info)]);
    assert.is(first.status, 'fulfilled');
    assert.is(second.status, 'rejected');
    const recipient = await setupRecipient(suite, pair, enc, { info });
    assert.ok(await throws(() => recipient.Open(new Uint8Array(16))));
  });
}

const [xwingSuite, x25519Suite, p256Suite] = suites as [
  (typeof suites)[0],
  (typeof suites)[0],
  (typeof suites)[0],
];

test('an X25519 public key that gives zeros is refused on both sides, in X-Wing too', async () => {
  for (const suite of [x25519Suite, xwingSuite]) {
    const { pair, pub } = await generateKemPair(suite);
    const { enc } = await setupSender(suite, pub, { info });
    const zeroed = (bytes: Uint8Array) => bytes.slice().fill(0, bytes.length - 32);
    assert.ok(await throws(() => setupSender(suite, zeroed(pub), { info })));
    assert.ok(await throws(() => setupRecipient(suite, pair, zeroed(enc), { info })));
  }
});

test('a P-256 point is uncompressed and on the curve', async () => {
  const { pair, pub } = await generateKemPair(p256Suite);
  await setupSender(p256Suite, pub, { info });
  const off = pub.slice();
  off[64] = (off[64] as number) ^ 1;
  const hybrid = Uint8Array.of(0x06 | ((pub[64] as number) & 1), ...pub.subarray(1));
  const compressed = Uint8Array.of(0x02 | ((pub[64] as number) & 1), ...pub.subarray(1, 33));
  for (const other of [off, hybrid, compressed, Uint8Array.of(4, ...new Uint8Array(64))]) {
    assert.ok(await throws(() => setupSender(p256Suite, other, { info })));
    assert.ok(await throws(() => setupRecipient(p256Suite, pair, other, { info })));
  }
});

test.run();
