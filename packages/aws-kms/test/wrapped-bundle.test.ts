// Bundles of keys that KMS wrapped: here, a double that speaks its protocol. It was not run against AWS.
import { fromUtf8, StaticKeys, utf8 } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from '../../../test/support/bytes.ts';
import { it } from '../../../test/support/cases.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { kmsUnwrap, kmsWrap, type WrappingOptions } from '../src/index.ts';
import { startKms } from './support/kms-double.ts';
import { type Fields, KmsError } from './support/kms-keys.ts';

const encryptionContext = { app: 'orders', stage: 'production' };

async function start() {
  const kms = await startKms();
  const client = kms.client();
  const { id, arn } = kms.addKey('symmetric');
  return {
    kms,
    client,
    id,
    arn,
    wrap: kmsWrap(client, { keyId: arn, encryptionContext }),
    unwrap: kmsUnwrap(client, { keyId: arn, encryptionContext }),
  };
}

it('the keys of a server come out of a wrapped bundle as they went in', async () => {
  const { wrap, unwrap } = await start();
  const exported = await StaticKeys.generateExported();
  const { pins } = await StaticKeys.import(exported);
  const wrapped = await wrap(utf8(exported));
  assert.equal((await StaticKeys.import(fromUtf8(await unwrap(wrapped)))).pins, pins);
});

it('bundles of any size are wrapped, by one call each', async () => {
  const { kms, wrap, unwrap } = await start();
  for (const size of [0, 1, 4096, 4097, 100_000]) {
    kms.calls.length = 0;
    const wrapped = await wrap(pattern(size));
    assert.ok(pattern(size).equals(await unwrap(wrapped)), String(size));
    assert.equal(kms.calls, ['GenerateDataKey', 'Decrypt']);
  }
});

it('neither the bundle that goes in nor a wrapped one is changed, and nothing of the former shows', async () => {
  const { wrap, unwrap } = await start();
  const bundle = pattern(100);
  const wrapped = await wrap(bundle);
  assert.ok(bundle.equals(pattern(100)));
  assert.is(Buffer.from(wrapped).indexOf(bundle.subarray(0, 8)), -1);
  const copy = Buffer.from(wrapped);
  await unwrap(wrapped);
  assert.ok(copy.equals(wrapped));
  assert.not.equal(await wrap(bundle), wrapped);
});

it('the id of the key does instead of its ARN, and the order of the context does not matter', async () => {
  const { client, id, wrap } = await start();
  const reversed = { stage: 'production', app: 'orders' };
  const bundle = await kmsUnwrap(client, { keyId: id, encryptionContext: reversed })(await wrap(pattern(9)));
  assert.ok(pattern(9).equals(bundle));
});

it('a bundle does not open under another context, or with another key', async () => {
  const { kms, client, arn, wrap } = await start();
  const wrapped = await wrap(pattern(9));
  const contexts = [
    { app: 'orders', stage: 'staging' },
    { app: 'orders' },
    { ...encryptionContext, more: '' },
    { APP: 'orders', stage: 'production' },
  ];
  for (const context of contexts) {
    const unwrap = kmsUnwrap(client, { keyId: arn, encryptionContext: context as Record<string, string> });
    assert.match(
      (await thrown(unwrap(wrapped), 'keys-invalid')).message,
      'another key or encryption context',
    );
  }
  const other = kmsUnwrap(client, { keyId: kms.addKey('symmetric').arn, encryptionContext });
  assert.match((await thrown(other(wrapped), 'keys-invalid')).message, 'under another key');
});

it('a bundle with any byte altered does not open', async () => {
  const { wrap, unwrap } = await start();
  const wrapped = Buffer.from(await wrap(pattern(9)));
  for (let at = 0; at < wrapped.length; at++) {
    const error = await failure(unwrap(flipped(wrapped, 8 * at + (at % 8))));
    assert.is((error as { code?: unknown }).code, 'keys-invalid', `byte ${at}: ${error}`);
  }
});

it('a bundle of any other length does not open', async () => {
  const { wrap, unwrap } = await start();
  const wrapped = Buffer.from(await wrap(pattern(9)));
  for (let length = 0; length < wrapped.length; length++)
    await thrown(unwrap(wrapped.subarray(0, length)), 'keys-invalid');
  await thrown(unwrap(Buffer.concat([wrapped, Buffer.alloc(1)])), 'keys-invalid');
});

it('what has not the form of a wrapped bundle is refused without a call', async () => {
  const { kms, wrap, unwrap } = await start();
  const wrapped = Buffer.from(await wrap(pattern(0)));
  const magic = wrapped.subarray(0, 15);
  kms.calls.length = 0;
  const wrong: [what: string, bytes: Uint8Array][] = [
    ['is empty', Buffer.alloc(0)],
    ['is a text', utf8(await StaticKeys.generateExported(['X25519']))],
    ['is of another version', flipped(wrapped, 8 * magic.indexOf('1'))],
    ['has no data key', Buffer.concat([magic, Buffer.alloc(2), pattern(28)])],
    ['ends in its tag', wrapped.subarray(0, -1)],
    ['ends in its data key', wrapped.subarray(0, 40)],
  ];
  for (const [what, bytes] of wrong) {
    const { message } = await thrown(unwrap(bytes), 'keys-invalid');
    assert.match(message, 'no bundle that kmsWrap() wrapped', what);
  }
  assert.equal(kms.calls, []);
});

it('two bundles of the same key cannot be put together', async () => {
  const { wrap, unwrap } = await start();
  const [one, other] = [Buffer.from(await wrap(pattern(9))), Buffer.from(await wrap(pattern(9)))];
  const sealedLength = 12 + 9 + 16;
  const mixed = Buffer.concat([one.subarray(0, -sealedLength), other.subarray(-sealedLength)]);
  assert.match((await thrown(unwrap(mixed), 'keys-invalid')).message, 'was altered');
});

it('a data key of another key, or that is none, is not used', async () => {
  const { kms, wrap, unwrap } = await start();
  const wrapped = await wrap(pattern(9));
  const wrong: ((answer: Fields) => Fields)[] = [
    (answer) => ({ ...answer, KeyId: kms.addKey('symmetric').arn }),
    ({ KeyId: _, ...answer }) => answer,
    (answer) => ({ ...answer, Plaintext: Buffer.alloc(16, 7).toString('base64') }),
    ({ Plaintext: _, ...answer }) => answer,
  ];
  for (const alter of wrong) {
    kms.next('GenerateDataKey', { kind: 'answer', alter });
    await thrown(wrap(pattern(9)), 'keys-invalid');
    kms.next('Decrypt', { kind: 'answer', alter });
    await thrown(unwrap(wrapped), 'keys-invalid');
  }
  kms.next('GenerateDataKey', { kind: 'answer', alter: ({ CiphertextBlob: _, ...answer }) => answer });
  await thrown(wrap(pattern(9)), 'unavailable');
});

it('where KMS denies, the error names the action to allow', async () => {
  const { kms, wrap, unwrap, arn } = await start();
  const wrapped = await wrap(pattern(9));
  kms.denied.add('GenerateDataKey').add('Decrypt');
  for (const [action, call] of [
    ['GenerateDataKey', () => wrap(pattern(9))],
    ['Decrypt', () => unwrap(wrapped)],
  ] as const) {
    const { message } = await thrown(call(), 'keys-invalid');
    assert.match(message, `Allow kms:${action} on this key`);
    assert.match(message, arn);
  }
});

it('a key that is not symmetric is refused, with the kind that it has to be', async () => {
  const { kms, client } = await start();
  const wrap = kmsWrap(client, { keyId: kms.addKey('P-256').arn, encryptionContext });
  assert.match((await thrown(wrap(pattern(9)), 'keys-invalid')).message, 'KeySpec SYMMETRIC_DEFAULT');
});

it('throttling is waited out, silence is not', async () => {
  const { kms, client, arn, wrap, unwrap } = await start();
  const wrapped = await wrap(pattern(9));
  kms.next('Decrypt', new KmsError('ThrottlingException'));
  await unwrap(wrapped);
  kms.next('Decrypt', { kind: 'silent' });
  await thrown(kmsUnwrap(client, { keyId: arn, encryptionContext, timeLimit: 200 })(wrapped), 'unavailable');
});

it('options that are none are refused before anything is asked', async () => {
  const { kms, client, arn } = await start();
  const wrong: unknown[] = [
    undefined,
    { keyId: arn },
    { keyId: arn, encryptionContext: {} },
    { keyId: arn, encryptionContext: { app: 1 } },
    { keyId: arn, encryptionContext: { '': 'orders' } },
    { keyId: 'alias/orders', encryptionContext },
    { encryptionContext },
    { keyId: arn, encryptionContext, timeLimit: 0 },
  ];
  for (const options of wrong) {
    for (const make of [kmsWrap, kmsUnwrap])
      await thrown((async () => make(client, options as WrappingOptions))(), 'invalid-option');
  }
  assert.equal(kms.calls, []);
});

test.run();
