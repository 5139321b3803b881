// A key ring whose keys are in a token, in a key service, or in a bundle that a key service opens: sealed exchanges with
// a server that has it.

import { kmsKemKey, kmsUnwrap, kmsWrap } from '@sealwire/aws-kms';
import type { KemPrivateKey } from '@sealwire/core';
import { KeyRing, type KeyStorage, memoryStorage, openWrappedBundle, wrapBundle } from '@sealwire/keys';
import express from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type KmsDouble, startKms } from '../packages/aws-kms/test/support/kms-double.ts';
import { it } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { thrown } from './support/problems.ts';
import { EventList } from './support/recorded-events.ts';
import { secretStorage } from './support/recording.ts';
import { afterwards } from './support/resources.ts';
import { type SealedServer, startSealed } from './support/servers.ts';
import { newHsm, onToken, openOrders } from './support/tokens.ts';

/** A ring with a key for X25519 of its own, and perhaps others elsewhere. */
async function newStorage(): Promise<KeyStorage> {
  const storage = secretStorage(memoryStorage());
  (await KeyRing.create(storage, { suites: ['X25519'] })).close();
  return storage;
}

async function openRing(storage: KeyStorage, remote: readonly KemPrivateKey[], audit = new EventList()) {
  const ring = await KeyRing.open(storage, { remote });
  afterwards(() => ring.close());
  const server = await startSealed(
    express,
    (app) => {
      app.use(express.text());
      app.post('/orders', (req, res) => void res.send(`${req.sealed?.kid} ${req.body}`));
    },
    { keys: ring, audit },
  );
  return { ring, server, audit };
}

/** Orders with a new session. @returns the key that it was made with */
async function ordered(server: SealedServer, suite: 'P-256' | 'X25519'): Promise<string> {
  const sealedFetch = clientOf(server, { suites: [suite] });
  const init = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'tea' };
  const [kid = '', order] = (await (await sealedFetch('/orders', init)).text()).split(' ');
  assert.is(order, 'tea');
  return kid;
}

/** What holds of a ring with one key after the other in another place. */
async function serves(one: KemPrivateKey, two: KemPrivateKey): Promise<void> {
  const storage = await newStorage();
  const first = await openRing(storage, [one]);
  const [own, elsewhere] = ['X25519', 'P-256'].map(
    (alg) => first.ring.entries.find((entry) => entry.alg === alg)?.id,
  );
  assert.is(await ordered(first.server, 'P-256'), elsewhere);
  assert.is(await ordered(first.server, 'X25519'), own);
  // Another process has the next key, too, which takes over when the first one is said to be stolen.
  const second = await openRing(storage, [one, two]);
  assert.is(await ordered(second.server, 'P-256'), elsewhere);
  await second.ring.emergency(elsewhere as string);
  const next = await ordered(second.server, 'P-256');
  assert.is.not(next, elsewhere);
  assert.is(await ordered(second.server, 'X25519'), own);
  assert.is(second.audit.of('session.ended')[0]?.count, 1);
  // The process that was not given it says so to nobody but its operator.
  await thrown(ordered(first.server, 'P-256'), 'unavailable');
  assert.is(first.audit.of('handshake.rejected').at(-1)?.kid, next);
}

onToken(
  'keys in a token serve beside those that the ring has itself, and take over from one another',
  async () => {
    const token = await openOrders(newHsm());
    const [one, two] = ['one', 'two'].map((label) => token.generateKemKey({ label }));
    await serves((await one) as KemPrivateKey, (await two) as KemPrivateKey);
  },
);

it('so do keys in KMS', async () => {
  const kms = await startKms();
  const [one, two] = [1, 2].map(() => kmsKemKey(kms.client(), kms.addKey('P-256').arn));
  await serves((await one) as KemPrivateKey, (await two) as KemPrivateKey);
});

function wrapping(kms: KmsDouble) {
  return { keyId: kms.addKey('symmetric').arn, encryptionContext: { app: 'orders' } };
}

it('a bundle that KMS opens at the start serves, and is asked for no more', async () => {
  const kms = await startKms();
  const options = wrapping(kms);
  const storage = await newStorage();
  const bytes = await wrapBundle(storage, { wrap: kmsWrap(kms.client(), options) });
  const unwrap = kmsUnwrap(kms.client(), options);
  const { ring, server } = await openRing(await openWrappedBundle(bytes, { unwrap }), []);
  const [own] = (await storage.read()).entries;
  for (let i = 0; i < 3; i++) assert.is(await ordered(server, 'X25519'), own?.id);
  assert.equal(kms.calls, ['GenerateDataKey', 'Decrypt']);
  await thrown(ring.rotate(), 'keys-invalid');
});

it('a server whose bundle KMS does not open does not start, and says what to allow', async () => {
  const kms = await startKms();
  const options = wrapping(kms);
  const bytes = await wrapBundle(await newStorage(), { wrap: kmsWrap(kms.client(), options) });
  kms.denied.add('Decrypt');
  const error = await thrown(
    openWrappedBundle(bytes, { unwrap: kmsUnwrap(kms.client(), options) }),
    'keys-invalid',
  );
  assert.match(`${error.message} ${error.cause}`, 'Allow kms:Decrypt');
});

test.run();
