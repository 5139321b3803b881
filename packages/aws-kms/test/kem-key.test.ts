// A KEM key in KMS: here, a double that speaks its protocol. It was not run against AWS.
import { createECDH, generateKeyPairSync } from 'node:crypto';
import { remoteKemKey } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { until } from '../../../test/support/left-behind.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { kmsKemKey } from '../src/index.ts';
import { startKms } from './support/kms-double.ts';
import { type Fields, KmsError } from './support/kms-keys.ts';

it('a key in KMS agrees on the secret that the peer computes, whether named by its id or its ARN', async () => {
  const kms = await startKms();
  const { id, arn } = kms.addKey('P-256');
  for (const keyId of [id, arn]) {
    const key = await kmsKemKey(kms.client(), keyId);
    const peer = createECDH('prime256v1');
    assert.equal(await key.dh(peer.generateKeys()), peer.computeSecret(key.pub));
    assert.is((await remoteKemKey(key)).suite.name, 'P-256');
  }
});

it('an answer that names its key by the id alone, as the examples of AWS do, is of the key with that ARN', async () => {
  const kms = await startKms();
  const { id, arn } = kms.addKey('P-256');
  const alter = (answer: Fields) => ({ ...answer, KeyId: id });
  kms.next('DeriveSharedSecret', { kind: 'answer', alter }, 2);
  await kmsKemKey(kms.client(), arn);
  await kmsKemKey(kms.client(), id);
});

it('a start asks for the public key and tries one agreement', async () => {
  const kms = await startKms();
  await kmsKemKey(kms.client(), kms.addKey('P-256').arn);
  assert.equal(kms.calls, ['GetPublicKey', 'DeriveSharedSecret']);
});

it('who wants the public key of the same key at the same time shares one call', async () => {
  const kms = await startKms();
  const { arn } = kms.addKey('P-256');
  const client = kms.client();
  await Promise.all([kmsKemKey(client, arn), kmsKemKey(client, arn), kmsKemKey(client, arn)]);
  assert.is(kms.calls.filter((call) => call === 'GetPublicKey').length, 1);
  await kmsKemKey(client, arn);
  assert.is(kms.calls.filter((call) => call === 'GetPublicKey').length, 2);
});

it('agreements with the same point at the same time are one call, and each gets bytes of its own', async () => {
  const kms = await startKms();
  const key = await kmsKemKey(kms.client(), kms.addKey('P-256').arn);
  const peer = createECDH('prime256v1');
  const point = peer.generateKeys();
  const expected = peer.computeSecret(key.pub);
  kms.calls.length = 0;
  const release = kms.hold();
  const asked = [key.dh(point), key.dh(Buffer.from(point)), key.dh(createECDH('prime256v1').generateKeys())];
  await until(() => kms.calls.length === 2, 'both points arrive');
  release();
  const [first, second, other] = await Promise.all(asked);
  first?.fill(0);
  assert.equal(second, expected);
  assert.not.equal(other, expected);
  assert.is(kms.calls.length, 2);
  assert.equal(await key.dh(point), expected);
  assert.is(kms.calls.length, 3);
});

it('an agreement that failed is asked for anew', async () => {
  const kms = await startKms();
  const key = await kmsKemKey(kms.client(), kms.addKey('P-256').arn);
  const peer = createECDH('prime256v1');
  const point = peer.generateKeys();
  kms.next('DeriveSharedSecret', new KmsError('DisabledException'));
  await thrown(key.dh(point), 'keys-invalid');
  assert.equal(await key.dh(point), peer.computeSecret(key.pub));
});

it('a key of another kind is refused at the start, with the kind that it has to be', async () => {
  const kms = await startKms();
  const kinds = {
    'P-384': 'KeySpec ECC_NIST_P384',
    'P-256 for signing': 'KeyUsage SIGN_VERIFY',
    symmetric: 'KeySpec ECC_NIST_P256 and KeyUsage KEY_AGREEMENT',
  } as const;
  for (const kind of ['P-384', 'P-256 for signing', 'symmetric'] as const) {
    const { arn } = kms.addKey(kind);
    const error = await thrown(kmsKemKey(kms.client(), arn), 'keys-invalid');
    assert.match(error.message, arn);
    assert.match(error.message, kinds[kind]);
  }
});

it('a public key that is none, or of another key, is refused at the start', async () => {
  const kms = await startKms();
  const { arn } = kms.addKey('P-256');
  const spki = (publicKey: Buffer) => ({ PublicKey: publicKey.toString('base64') });
  const point = createECDH('prime256v1');
  point.generateKeys();
  const otherHalf = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    format: 'der',
    type: 'spki',
  });
  const compressed = Buffer.from(
    `3039301306072a8648ce3d020106082a8648ce3d030107032200${point.getPublicKey('hex', 'compressed')}`,
    'hex',
  );
  const offCurve = Buffer.from(otherHalf);
  offCurve[90] = (offCurve[90] as number) ^ 1;
  const otherCurve = Buffer.from(otherHalf);
  otherCurve[22] = (otherCurve[22] as number) ^ 1;
  const formless = ['is missing', 'is cut short', 'is too long', 'is compressed', 'is of another curve'];
  const wrong: [what: string, alter: (answer: Fields) => Fields][] = [
    ['is of another curve', (answer) => ({ ...answer, ...spki(otherCurve) })],
    ['is missing', ({ PublicKey: _, ...answer }) => answer],
    ['is cut short', (answer) => ({ ...answer, ...spki(otherHalf.subarray(0, 90)) })],
    ['is too long', (answer) => ({ ...answer, ...spki(Buffer.concat([otherHalf, Buffer.alloc(1)])) })],
    ['is compressed', (answer) => ({ ...answer, ...spki(compressed) })],
    ['is not on the curve', (answer) => ({ ...answer, ...spki(offCurve) })],
    ['does not belong to the private half', (answer) => ({ ...answer, ...spki(otherHalf) })],
    ['is that of another key', (answer) => ({ ...answer, KeyId: kms.addKey('P-256').arn })],
    ['is that of no key', ({ KeyId: _, ...answer }) => answer],
  ];
  for (const [what, alter] of wrong) {
    kms.next('GetPublicKey', { kind: 'answer', alter });
    const error = await failure(kmsKemKey(kms.client(), arn));
    assert.is((error as { code?: unknown }).code, 'keys-invalid', `${what}: ${error}`);
    assert.is(String(error).includes('is no public key of P-256'), formless.includes(what), `${error}`);
  }
  await kmsKemKey(kms.client(), arn);
});

it('an alias, or what is no key id, is refused without a call', async () => {
  const kms = await startKms();
  const wrong = ['alias/orders', 'arn:aws:kms:eu-central-1:111122223333:alias/orders', '', 'a b', undefined];
  for (const keyId of wrong) await thrown(kmsKemKey(kms.client(), keyId as string), 'invalid-option');
  assert.equal(kms.calls, []);
});

it('a time limit that core would not wait for is refused', async () => {
  const kms = await startKms();
  const { arn } = kms.addKey('P-256');
  for (const timeLimit of [0, -1, 1.5, 4501, Number.NaN, '100'])
    await thrown(kmsKemKey(kms.client(), arn, { timeLimit: timeLimit as number }), 'invalid-option');
  await kmsKemKey(kms.client(), arn, { timeLimit: 4500 });
});

test.run();
