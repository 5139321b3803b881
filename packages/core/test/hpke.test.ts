import { MODE_BASE, MODE_PSK } from 'hpke';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as library from '../src/hpke.ts';
import * as web from '../src/hpke.web.ts';
import { suites } from '../src/suites.ts';
import { refusalCode, throws } from './support/refusal.ts';
import { toHex } from './support/vectors.ts';

const info = new Uint8Array(Buffer.from('info'));
const psk = new Uint8Array(32).fill(3);

/** What `#hpke` stands for on either platform. Each takes the key pairs that it made. */
const implementations = [
  { name: 'hpke', ...library },
  { name: 'WebCrypto', ...(web as unknown as typeof library) },
];

for (const suite of suites) {
  for (const implementation of implementations) {
    const about = `${suite.name}, ${implementation.name}`;
    const { generateKemPair, setupRecipient, setupSender } = implementation;

    test(`both sides of a set-up agree, with a psk and without (${about})`, async () => {
      const { pair, pub } = await generateKemPair(suite);
      for (const input of [{ info }, { info, psk }]) {
        const { enc, ctx } = await setupSender(suite, pub, input);
        const recipient = await setupRecipient(suite, pair, enc, input);
        assert.is(toHex(await recipient.Open(await ctx.Seal(info))), toHex(info));
        assert.is(toHex(await recipient.Export(info, 64)), toHex(await ctx.Export(info, 64)));
      }
    });

    test(`a psk that got lost or has another length never becomes base mode (${about})`, async () => {
      const { pair, pub } = await generateKemPair(suite);
      const { enc } = await setupSender(suite, pub, { info, psk });
      await setupRecipient(suite, pair, enc, { info, psk });
      const lost = { info, psk: undefined as unknown as Uint8Array };
      for (const input of [
        lost,
        ...[0, 1, 31, 33, 64].map((length) => ({ info, psk: new Uint8Array(length) })),
      ]) {
        assert.ok(await throws(() => setupSender(suite, pub, input)), `sender, ${input.psk?.length}`);
        assert.ok(
          await throws(() => setupRecipient(suite, pair, enc, input)),
          `recipient, ${input.psk?.length}`,
        );
      }
    });

    test(`another info, psk or mode opens nothing (${about})`, async () => {
      const { pair, pub } = await generateKemPair(suite);
      const { enc, ctx } = await setupSender(suite, pub, { info, psk });
      const sealed = await ctx.Seal(info);
      const open = async (input: Parameters<typeof setupRecipient>[3]) =>
        (await setupRecipient(suite, pair, enc, input)).Open(sealed);
      await open({ info, psk });
      for (const input of [
        { info },
        { info: psk, psk },
        { info, psk: new Uint8Array(32) },
        { info: new Uint8Array(), psk },
      ]) {
        assert.ok(await throws(() => open(input)));
      }
    });

    test(`an enc of another length is refused (${about})`, async () => {
      const { pair, pub } = await generateKemPair(suite);
      const { enc } = await setupSender(suite, pub, { info });
      assert.is(enc.length, suite.encLength);
      assert.is(pub.length, suite.pubLength);
      await setupRecipient(suite, pair, enc, { info });
      for (const other of [new Uint8Array(), enc.subarray(1), new Uint8Array([...enc, 0])]) {
        assert.is(await refusalCode(() => setupRecipient(suite, pair, other, { info })), 'rejected');
      }
    });
  }

  test(`the library's mode is PSK exactly if a psk is given (${suite.name})`, async () => {
    const { pair, pub } = await library.generateKemPair(suite);
    for (const [input, mode] of [
      [{ info }, MODE_BASE],
      [{ info, psk }, MODE_PSK],
    ] as const) {
      const { enc, ctx } = await library.setupSender(suite, pub, input);
      const recipient = await library.setupRecipient(suite, pair, enc, input);
      assert.is(ctx.mode, mode);
      assert.is(recipient.mode, mode);
    }
  });

  test(`an ephemeral private key cannot be exported (${suite.name})`, async () => {
    const { pair } = await library.generateKemPair(suite);
    const cipherSuite = await library.loadCipherSuite(suite);
    assert.not.ok(pair.privateKey.extractable);
    assert.ok(await throws(() => cipherSuite.SerializePrivateKey(pair.privateKey)));
    assert.is(await library.loadCipherSuite(suite), cipherSuite);
    const other = await library.generateKemPair(suite);
    const pub = await cipherSuite.SerializePublicKey(pair.publicKey);
    assert.is.not(toHex(await cipherSuite.SerializePublicKey(other.pair.publicKey)), toHex(pub));
  });
}

test.run();
