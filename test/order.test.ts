// The order on the server: what authenticates is accepted once, whoever else sends it, and everything else after that.
import { MemorySessionStore, type SessionStore } from '@sealwire/core';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { type Express, onExpress } from './support/cases.ts';
import { assertProblem, assertSealedProblem } from './support/problems.ts';
import { RawConnection } from './support/raw-http.ts';
import { listen, type SealedServer, startSealed } from './support/servers.ts';
import { SlowStore, storeWith } from './support/stores.ts';
import { WireClient, type WireMessage, type WireRequest } from './support/wire-client.ts';

let handled: string[] = [];

function routes(app: Application): void {
  app.use(async (req, res) => {
    handled.push(req.path);
    for await (const _ of req);
    res.json(handled.length);
  });
}

const stores: [string, () => SessionStore][] = [
  ['that answers at once', () => new MemorySessionStore()],
  ['that takes its time', () => new SlowStore(new MemorySessionStore())],
];

const requests: [string, WireRequest][] = [
  ['a message in the header', { method: 'DELETE', path: '/here' }],
  ['a message in the body', { path: '/here', body: 'transfer 100' }],
  ['a streamed message', { path: '/here', body: pattern(150_000) }],
];

/** Two servers behind one name with one store, and what was asked of it. */
async function startTwo(express: Express, store: SessionStore) {
  handled = [];
  const accepts: number[] = [];
  const watched = storeWith(store, {
    accept(sid: string, n: number, now: number) {
      accepts.push(n);
      return store.accept(sid, n, now);
    },
  });
  const { origin, close, port } = await listen();
  await close();
  const options = { store: watched, origins: [origin] };
  const one = await startSealed(express, routes, { ...options, port });
  const two = await startSealed(express, routes, options);
  return { one, two, accepts, wire: await WireClient.connect(one) };
}

async function sendTo(server: SealedServer, wire: WireClient, message: WireMessage) {
  const connection = await RawConnection.open(server.port);
  const answer = await wire.send(message, { connection });
  connection.socket.destroy();
  return answer;
}

for (const [storeName, createStore] of stores) {
  onExpress(`copies raced over two servers execute once, with a store ${storeName}`, async (express) => {
    const { one, two, wire } = await startTwo(express, createStore());
    for (const server of [one, two]) {
      const message = await wire.seal({ path: '/here', body: 'through either' });
      assert.is((await wire.open(message, await sendTo(server, wire, message))).status, 200);
    }
    handled = [];
    for (const [name, request] of requests) {
      const message = await wire.seal(request);
      const answers = await Promise.all(
        Array.from({ length: 24 }, async (_, i) =>
          wire.open(message, await sendTo(i % 2 === 0 ? one : two, wire, message)),
        ),
      );
      const refused = answers.filter(({ status }) => status !== 200);
      assert.is(refused.length, 23, name);
      for (const answer of refused) assertSealedProblem(answer, 'replayed');
    }
    assert.is(handled.length, requests.length);
  });

  onExpress(`who read sid and n in a log uses up no number, with a store ${storeName}`, async (express) => {
    const { one, accepts, wire } = await startTwo(express, createStore());
    const stranger = await WireClient.connect(one);
    assert.is((await wire.exchange({ path: '/here', body: 'fine' })).status, 200);
    accepts.length = 0;
    for (const [name, request] of requests) {
      const genuine = await wire.seal(request);
      const { n } = genuine;
      const others = await stranger.seal({ ...request, n });
      const forged: Buffer[] = [
        // Noise, noise with the genuine nonce, a session of one's own, the genuine message with another end.
        Buffer.from(pattern(200)),
        Buffer.concat([genuine.message.subarray(0, 32), pattern(200)]),
        others.message,
        Buffer.concat([genuine.message.subarray(0, 60), pattern(200)]),
      ];
      for (const bytes of forged) {
        const refused = await wire.send({ ...genuine, message: bytes });
        assertProblem(refused, 'rejected');
      }
      assert.equal(accepts, [], name);
      assert.is((await wire.open(genuine, await wire.send(genuine))).status, 200, name);
      accepts.length = 0;
    }
    assert.is(handled.length, requests.length + 1);
  });

  onExpress(`what was sent elsewhere first executes nowhere, with a store ${storeName}`, async (express) => {
    const { two, wire } = await startTwo(express, createStore());
    for (const [name, request] of requests) {
      const plain = await wire.seal(request);
      handled = [];
      assert.is((await wire.open(plain, await wire.send(plain))).status, 200, name);
      handled = [];
      for (const moved of [{ path: '/there' }, { path: '/here?admin=1' }]) {
        const message = await wire.seal(request);
        const elsewhere = { ...message, ...moved };
        const refused = await wire.open(message, await wire.send(elsewhere));
        assertSealedProblem(refused, 'target-mismatch');
        // Released to where it belongs, on the same server and on the other.
        assertSealedProblem(await wire.open(message, await wire.send(message)), 'replayed');
        assertSealedProblem(await wire.open(message, await sendTo(two, wire, message)), 'replayed');
      }
      assert.equal(handled, [], name);
    }
  });
}

test.run();
