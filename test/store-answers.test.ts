// A store that answers late, or what is no answer: a refusal, and nothing is executed, also when the answer comes.
import { MemorySessionStore, type SessionStore, storeTimeLimit } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { deferred, it, sleep, unhandledRejections } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { assertProblem, assertSealedProblem, thrown } from './support/problems.ts';
import { startSealedNode } from './support/servers.ts';
import { storeWith } from './support/stores.ts';
import { WireClient, type WireRequest } from './support/wire-client.ts';

/** A server whose store can be told to keep back its answers. */
async function startWithGate() {
  const real = new MemorySessionStore();
  let gate: Promise<void> | undefined;
  const counts = { handled: 0, accepted: 0 };
  const gated = (method: keyof SessionStore) =>
    async function answer(...args: unknown[]) {
      const value = await (real[method] as (...all: unknown[]) => unknown)(...args);
      if (value === 'accepted') counts.accepted++;
      await gate;
      return value;
    };
  const store = storeWith(real, {
    load: gated('load'),
    accept: gated('accept'),
    create: gated('create'),
    claimHello: gated('claimHello'),
  });
  const server = await startSealedNode(
    (req, res) => {
      counts.handled++;
      req.pipe(res);
    },
    { store },
  );
  return {
    server,
    counts,
    real,
    close(gateIs: Promise<void> | undefined) {
      gate = gateIs;
    },
  };
}

const requests: WireRequest[] = [
  { path: '/', body: 'a body' },
  { path: '/', body: pattern(150_000) },
  { path: '/', method: 'DELETE' },
];

it('an answer that comes late executes nothing, whatever it says', async () => {
  const rejections = unhandledRejections();
  await Promise.all(
    (['load', 'accept'] as const).map(async (method) => {
      const { server, counts, real, close } = await startWithGate();
      const wire = await WireClient.connect(server);
      for (const request of requests) assert.is((await wire.exchange(request)).status, 200);
      assert.is(counts.handled, requests.length);
      const gate = deferred();
      const load = real.load.bind(real);
      // With the gate at `accept` only, the session is there in time.
      if (method === 'accept') server.store.load = load;
      close(gate.promise);
      const started = performance.now();
      await Promise.all(
        requests.map(async (request) => {
          const message = await wire.seal(request);
          const answer = await wire.send(message);
          if (method === 'load') {
            assertProblem(answer, 'unavailable');
            assert.is(answer.headers['retry-after'], '1');
          } else assertSealedProblem(await wire.open(message, answer), 'unavailable');
        }),
      );
      const waited = performance.now() - started;
      assert.ok(waited >= storeTimeLimit && waited < storeTimeLimit * 1.5, `${waited} ms`);
      const accepted = counts.accepted;
      gate.resolve();
      await sleep(50);
      // The store had accepted, and said so too late.
      assert.is(accepted, method === 'accept' ? 2 * requests.length : requests.length);
      assert.is(counts.handled, requests.length);
      close(undefined);
      assert.is((await wire.exchange({ path: '/', body: 'after' })).body.toString(), 'after');
    }),
  );
  assert.equal(rejections, []);
});

it('a handshake does not wait for ever for the store', async () => {
  const { server, close } = await startWithGate();
  assert.is((await clientOf(server)('/')).status, 200);
  const gate = deferred();
  close(gate.promise);
  const network = recordingFetch();
  await thrown(clientOf(server, { fetch: network })('/'), 'unavailable');
  assert.is(network.seen.at(-1)?.responseHeaders?.get('retry-after'), '1');
  gate.resolve();
});

it('what is neither yes nor no makes no session', async () => {
  const real = new MemorySessionStore();
  let answers: Partial<Record<keyof SessionStore, unknown>> = {};
  const store = storeWith(real, {
    create: (...args: Parameters<SessionStore['create']>) =>
      'create' in answers ? answers.create : real.create(...args),
    claimHello: (...args: Parameters<SessionStore['claimHello']>) =>
      'claimHello' in answers ? answers.claimHello : real.claimHello(...args),
  });
  const server = await startSealedNode((_req, res) => res.end('ok'), { store });
  assert.is((await clientOf(server)('/')).status, 200);
  for (const method of ['create', 'claimHello'] as const) {
    for (const wrong of [undefined, null, 'OK', 1, {}, Promise.resolve('OK')]) {
      answers = { [method]: wrong };
      await thrown(clientOf(server)('/'), 'unavailable');
    }
  }
  answers = {};
  assert.is((await clientOf(server)('/')).status, 200);
});

it('a session that lacks something is no session', async () => {
  const real = new MemorySessionStore();
  let change: Record<string, unknown> = {};
  let handled = 0;
  const store = storeWith(real, {
    async load(sid: string, now: number) {
      return { ...(await real.load(sid, now)), ...change };
    },
  });
  const server = await startSealedNode(
    (_req, res) => {
      handled++;
      res.end('ok');
    },
    { store },
  );
  const wire = await WireClient.connect(server);
  assert.is((await wire.exchange({ path: '/' })).status, 200);
  for (const wrong of [
    { master: undefined },
    { master: null },
    { master: {} },
    { master: new Uint8Array(64) },
    { master: 'secret' },
    { suite: undefined },
    { kid: 7 },
    { client: null },
    { expires: '1' },
    { idle: undefined },
  ]) {
    change = wrong;
    assertProblem(await wire.send(await wire.seal({ path: '/' })), 'unavailable');
    assertProblem(await wire.send(await wire.seal({ path: '/', body: 'x' })), 'unavailable');
  }
  change = {};
  assert.is((await wire.exchange({ path: '/' })).status, 200);
  assert.is(handled, 2);
});

test.run();
