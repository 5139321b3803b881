// The same bytes execute once, however often and however fast they come, whatever the session store waits for.
import { MemorySessionStore } from '@sealwire/core';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { onExpress } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { assertProblem, assertSealedProblem, thrown } from './support/problems.ts';
import { startSealed } from './support/servers.ts';
import { SlowStore } from './support/stores.ts';
import { WireClient, type WireRequest } from './support/wire-client.ts';

let handled = 0;

function routes(app: Application): void {
  handled = 0;
  app.use('/count', async (req, res) => {
    handled++;
    for await (const _ of req);
    res.json(handled);
  });
}

const requests: [string, WireRequest][] = [
  ['a message in the header', { method: 'DELETE', path: '/count' }],
  ['a message in the body', { path: '/count', body: 'transfer 100' }],
  ['a streamed message', { path: '/count', body: pattern(150_000) }],
];

for (const [storeName, createStore] of [
  ['in memory', () => new MemorySessionStore()],
  ['that takes its time', () => new SlowStore(new MemorySessionStore())],
] as const) {
  for (const [name, request] of requests) {
    onExpress(`${name} sent again is a sealed "replayed", with a store ${storeName}`, async (express) => {
      const server = await startSealed(express, routes, { store: createStore() });
      const wire = await WireClient.connect(server);
      const message = await wire.seal(request);
      assert.is((await wire.open(message, await wire.send(message))).status, 200);
      for (let i = 0; i < 3; i++)
        assertSealedProblem(await wire.open(message, await wire.send(message)), 'replayed');
      assert.is(handled, 1);
    });

    onExpress(`of 64 copies of ${name} at once one executes, with a store ${storeName}`, async (express) => {
      const server = await startSealed(express, routes, { store: createStore() });
      const wire = await WireClient.connect(server);
      const message = await wire.seal(request);
      const answers = await Promise.all(
        Array.from({ length: 64 }, async () => wire.open(message, await wire.send(message))),
      );
      const executed = answers.filter(({ status }) => status === 200);
      assert.is(executed.length, 1);
      for (const answer of answers) if (!executed.includes(answer)) assertSealedProblem(answer, 'replayed');
      assert.is(handled, 1);
    });
  }
}

onExpress('a number is used up by the first message that authenticates under it', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const one = await wire.seal({ path: '/count', body: 'one', n: 7 });
  const other = await wire.seal({ path: '/count', body: 'other', n: 7 });
  assert.is((await wire.open(one, await wire.send(one))).status, 200);
  assertSealedProblem(await wire.open(other, await wire.send(other)), 'replayed');
  assert.is(handled, 1);
});

onExpress('numbers may come in any order within the window, and older ones not at all', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  for (const n of [0, 1500, 1499, 477]) {
    assert.is((await wire.exchange({ method: 'DELETE', path: '/count', n })).status, 200, `number ${n}`);
  }
  // 1500 - 1024 = 476 has left the window.
  for (const n of [476, 475, 1]) {
    assertSealedProblem(await wire.exchange({ method: 'DELETE', path: '/count', n }), 'replayed');
  }
  assert.is(handled, 4);
  assert.is((await wire.exchange({ path: '/count', method: 'DELETE', n: 2 ** 20 - 1 })).status, 200);
  const beyond = await wire.seal({ path: '/count', n: 2 ** 20 });
  assertProblem(await wire.send(beyond), 'malformed');
});

onExpress(
  'the client repeats what is safe after "replayed", and asks the caller about the rest',
  async (express) => {
    const server = await startSealed(express, routes);
    let copies = 1;
    const network = recordingFetch({
      async request(url, init) {
        // Somebody on the way sends it twice, and the answer that comes back is the second one's.
        if (url.endsWith('/count') && copies-- > 0) await (await fetch(url, init)).arrayBuffer();
        return undefined;
      },
    });
    const sealedFetch = clientOf(server, { fetch: network });
    const response = await sealedFetch('/count');
    assert.is(response.status, 200);
    assert.is(await response.json(), 2);
    assert.is(network.exchanges.length, 2);
    copies = 1;
    await thrown(sealedFetch('/count', { method: 'POST', body: 'transfer 100' }), 'outcome-unknown');
    assert.is(handled, 3);
  },
);

test.run();
