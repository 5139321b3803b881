// Sealed exchanges with a server whose KEM key stays in KMS: here, a double that speaks its protocol.
import { isSealwireError } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Application, type Express, onExpress } from '../../../test/support/cases.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { until } from '../../../test/support/left-behind.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { EventList } from '../../../test/support/recorded-events.ts';
import { startSealed } from '../../../test/support/servers.ts';
import { type KmsOptions, kmsKemKey } from '../src/index.ts';
import { startKms } from './support/kms-double.ts';
import { type Fields, KmsError } from './support/kms-keys.ts';
import { remoteKeys } from './support/server-keys.ts';

function routes(app: Application, express: Express): void {
  app.post('/orders', express.json(), (req, res) => void res.status(201).json({ ordered: req.body.item }));
}

async function start(express: Express, options: KmsOptions = {}) {
  const kms = await startKms();
  const keys = await remoteKeys(await kmsKemKey(kms.client(), kms.addKey('P-256').arn, options));
  const audit = new EventList();
  const server = await startSealed(express, routes, { keys, audit });
  kms.calls.length = 0;
  /** A client of its own, so that each does a handshake. */
  const order = async (item = 'tea') => {
    const sealedFetch = clientOf(server, { suites: ['P-256'] });
    const headers = { 'content-type': 'application/json' };
    const response = await sealedFetch(`${server.origin}/orders`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ item }),
    });
    assert.is(response.status, 201);
    return ((await response.json()) as { ordered: string }).ordered;
  };
  /** Why handshakes were refused, as operators are told. */
  const causes = () => audit.of('handshake.rejected').map(({ cause }) => cause);
  return { kms, keys, server, order, causes };
}

onExpress('a sealed request reaches its handler, and its handshake is one call of KMS', async (express) => {
  const { kms, order } = await start(express);
  assert.is(await order(), 'tea');
  assert.equal(kms.calls, ['DeriveSharedSecret']);
});

onExpress('50 clients that come at the same time each get their own session', async (express) => {
  const { kms, keys, order } = await start(express);
  const items = Array.from({ length: 50 }, (_, index) => `tea ${index}`);
  assert.equal(await Promise.all(items.map(order)), items);
  assert.is(kms.calls.length, 50);
  assert.equal(keys.failures, []);
});

onExpress('handshakes that KMS throttles are tried again, and succeed', async (express) => {
  const { kms, order } = await start(express);
  kms.next('DeriveSharedSecret', new KmsError('ThrottlingException'), 2);
  assert.is(await order(), 'tea');
  assert.is(kms.calls.length, 3);
});

onExpress('a connection to KMS that breaks is made again', async (express) => {
  const { kms, order } = await start(express);
  kms.next('DeriveSharedSecret', { kind: 'reset' });
  assert.is(await order(), 'tea');
  assert.is(kms.calls.length, 2);
});

onExpress(
  'where KMS denies, a client learns that the key did not answer, and the server why',
  async (express) => {
    const { kms, keys, server, order, causes } = await start(express);
    kms.denied.add('DeriveSharedSecret');
    const error = await thrown(order(), 'unavailable');
    assert.not.match(String(error) + String(error.cause), /kms|denied|arn:|IAM/i);
    const [failure] = keys.failures;
    assert.ok(isSealwireError(failure, 'unavailable'));
    assert.ok(isSealwireError(failure.cause, 'keys-invalid'));
    assert.match(failure.cause.message, 'Allow kms:DeriveSharedSecret on this key');
    assert.equal(causes(), ['AccessDeniedException']);

    kms.denied.clear();
    assert.is(await order(), 'tea');
    assert.ok(server.server.listening);
  },
);

onExpress('where KMS is silent, the handshake ends at the limit and nobody waits on', async (express) => {
  const { kms, keys, order, causes } = await start(express, { timeLimit: 1000 });
  kms.next('DeriveSharedSecret', { kind: 'silent' });
  await thrown(order(), 'unavailable');
  const [failure] = keys.failures;
  assert.ok(isSealwireError(failure) && isSealwireError(failure.cause, 'unavailable'));
  assert.match(String(failure.cause.cause), 'NoAnswerIn1000ms');
  assert.equal(causes(), ['NoAnswerIn1000ms']);
  await until(() => kms.abandoned.length === 1, 'the request to KMS is given up');
  assert.is(await order(), 'tea');
});

onExpress('throttling that does not end is given up at the limit', async (express) => {
  const { kms, order } = await start(express, { timeLimit: 1000 });
  kms.next('DeriveSharedSecret', new KmsError('ThrottlingException'), 100);
  await thrown(order(), 'unavailable');
});

onExpress('what is not the secret of this key and this client makes no session', async (express) => {
  const { kms, keys, order } = await start(express);
  const secretOf = (length: number) => ({ SharedSecret: Buffer.alloc(length, 7).toString('base64') });
  const wrong: [what: string, alter: (answer: Fields) => Fields | string][] = [
    ['is too short', (answer) => ({ ...answer, ...secretOf(31) })],
    ['is too long', (answer) => ({ ...answer, ...secretOf(33) })],
    ['is missing', ({ KeyId }) => ({ KeyId })],
    ['is of another key', (answer) => ({ ...answer, KeyId: kms.addKey('P-256').arn })],
    ['is of no key', ({ SharedSecret }) => ({ SharedSecret })],
    ['is no JSON', () => 'x'],
  ];
  for (const [what, alter] of wrong) {
    kms.next('DeriveSharedSecret', { kind: 'answer', alter });
    const error = await failure(order());
    assert.ok(isSealwireError(error, 'unavailable'), what);
  }
  assert.is(keys.failures.length, wrong.length);
});

test.run();
