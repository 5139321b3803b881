// Everything works the same whether the session store answers at once or by promises; and a store that does not answer
// executes nothing.
import { MemorySessionStore, messageType, type SessionStore } from '@sealwire/core';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from './support/bytes.ts';
import { type Express, onExpress, sleep, unhandledRejections } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { assertProblem, assertSealedProblem, thrown } from './support/problems.ts';
import { RawConnection } from './support/raw-http.ts';
import { type SealedServer, startSealed } from './support/servers.ts';
import { foreignPromise, SlowStore, storeWith } from './support/stores.ts';
import { WireClient } from './support/wire-client.ts';

let handled = 0;

function routes(app: Application, express: Express): void {
  handled = 0;
  app.use((_req, _res, next) => {
    handled++;
    next();
  });
  app.post('/json', express.json(), (req, res) => void res.json(req.body));
  app.post('/raw', express.raw({ type: () => true, limit: '2mb' }), (req, res) => void res.send(req.body));
  app.post('/piped', (req, res) => void req.pipe(res));
  app.post('/unread', (_req, res) => void res.json('unread'));
  app.get('/page', (req, res) => void res.json(req.query));
}

type Scenario = (server: SealedServer, wire: WireClient) => Promise<void>;

const scenarios: Record<string, Scenario> = {
  'requests with and without a body': async (_server, wire) => {
    const posted = await wire.exchange({
      path: '/json',
      body: '{"a":1}',
      fields: [['content-type', 'application/json']],
    });
    assert.is(posted.body.toString(), '{"a":1}');
    assert.is((await wire.exchange({ path: '/page?b=2' })).body.toString(), '{"b":"2"}');
    assert.is((await wire.exchange({ path: '/missing' })).status, 404);
    assert.is(handled, 3);
  },
  'bodies of many sizes, in many pieces': async (_server, wire) => {
    for (const size of [0, 1, 65_536, 65_537, 1_000_000]) {
      for (const pieceSize of size > 70_000 ? [1400, 70_000] : [1400, size + 100]) {
        for (const path of ['/raw', '/piped']) {
          const answer = await wire.exchange({ path, body: pattern(size) }, { pieceSize });
          // Where there is nothing to parse, parsers differ in what they leave.
          if (size > 0 || path === '/piped')
            assert.ok(answer.body.equals(pattern(size)), `${size} in ${pieceSize} at ${path}`);
        }
      }
    }
  },
  'single bytes': async (_server, wire) => {
    const answer = await wire.exchange(
      { path: '/raw', body: pattern(3000) },
      { pieceSize: 1, framing: 'chunked' },
    );
    assert.ok(answer.body.equals(pattern(3000)));
  },
  'altered and truncated requests': async (_server, wire) => {
    assert.is((await wire.exchange({ path: '/raw', body: 'fine' })).status, 200);
    for (const size of [10, 200_000]) {
      for (const change of [
        (bytes: Buffer) => flipped(bytes, 300),
        (bytes: Buffer) => bytes.subarray(0, -1),
        (bytes: Buffer) => bytes.subarray(0, 40),
      ]) {
        const message = await wire.seal({ path: '/raw', body: pattern(size) });
        const refused = await wire.send(message, { body: change(message.message) });
        assert.is(refused.status, 400);
      }
    }
  },
  'bodies that nobody reads': async (server, wire) => {
    for (const size of [100, 1_000_000]) {
      const connection = await RawConnection.open(server.port);
      for (let i = 0; i < 2; i++) {
        const answer = await wire.exchange({ path: '/unread', body: pattern(size) }, { connection });
        assert.is(answer.body.toString(), '"unread"');
      }
    }
  },
  'a client that goes away while the store is asked': async (server, wire) => {
    for (const path of ['/raw', '/piped', '/unread']) {
      const connection = await RawConnection.open(server.port);
      const message = await wire.seal({ path, body: pattern(100_000) });
      await wire.write(message, {
        connection,
        body: message.message.subarray(0, 50_000),
        headers: [['Content-Length', String(message.message.length)]],
      });
      connection.socket.destroy();
    }
    await sleep(30);
    assert.is((await wire.exchange({ path: '/raw', body: 'after' })).body.toString(), 'after');
  },
  'requests one behind the other on a connection': async (server, wire) => {
    const connection = await RawConnection.open(server.port);
    const messages = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        wire.seal(i % 2 === 0 ? { path: '/raw', body: `${i}` } : { path: `/page?i=${i}` }),
      ),
    );
    for (const message of messages) await wire.write(message, { connection });
    for (const [i, message] of messages.entries()) {
      const answer = await wire.open(message, await connection.response());
      assert.is(answer.body.toString(), i % 2 === 0 ? `${i}` : `{"i":"${i}"}`);
    }
  },
};

const stores: Record<string, () => SessionStore> = {
  'that answers at once': () => new MemorySessionStore(),
  'that takes its time': () => new SlowStore(new MemorySessionStore()),
  'that promises and answers in the same turn': () =>
    new SlowStore(new MemorySessionStore(), () => Promise.resolve()),
  'whose promises are its own': () => {
    const store = new MemorySessionStore();
    return storeWith(store, {
      load: (...args: Parameters<SessionStore['load']>) => foreignPromise(store.load(...args)),
      accept: (...args: Parameters<SessionStore['accept']>) => foreignPromise(store.accept(...args)),
    });
  },
};

for (const [storeName, createStore] of Object.entries(stores)) {
  for (const [name, scenario] of Object.entries(scenarios)) {
    onExpress(`${name}, with a store ${storeName}`, async (express) => {
      const rejections = unhandledRejections();
      const server = await startSealed(express, routes, { store: createStore() });
      await scenario(server, await WireClient.connect(server));
      assert.equal(rejections, []);
    });
  }
}

/** Ways to be out of order, by the method that is. */
const faults: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('redis://secret@host is down');
  },
  rejects: () => Promise.reject(new Error('redis://secret@host is down')),
  'rejects late': () => sleep(5).then(() => Promise.reject(new Error('redis://secret@host is down'))),
  'answers nonsense': () => 'nonsense',
  'promises nonsense': () => Promise.resolve({}),
  'answers null': () => null,
  'promises null': () => Promise.resolve(null),
};

for (const method of ['load', 'accept'] as const) {
  onExpress(`a store whose ${method}() does not answer executes nothing`, async (express) => {
    const rejections = unhandledRejections();
    const real = new MemorySessionStore();
    let fault: (() => unknown) | undefined;
    const store = storeWith(real, {
      [method]: (...args: [string, number, number]) =>
        fault === undefined ? (real[method] as (...all: unknown[]) => unknown)(...args) : fault(),
    });
    const server = await startSealed(express, routes, { store });
    const wire = await WireClient.connect(server);
    assert.is((await wire.exchange({ path: '/raw', body: 'fine' })).status, 200);
    for (const [name, make] of Object.entries(faults)) {
      for (const request of [
        { path: '/raw', body: 'a body' },
        { path: '/raw', body: pattern(150_000) },
        { path: '/page' },
      ]) {
        fault = make;
        const message = await wire.seal(request);
        const answer = await wire.send(message);
        fault = undefined;
        assert.not.match(answer.body.toString('latin1'), 'secret');
        // Without a session there is no key to seal with; with one there is. What is null is not there.
        if (method === 'load' && name.endsWith('null')) assertProblem(answer, 'unknown-session');
        else if (method === 'load') assertProblem(answer, 'unavailable');
        else assertSealedProblem(await wire.open(message, answer), 'unavailable');
      }
    }
    assert.is(handled, 1);
    assert.is((await wire.exchange({ path: '/raw', body: 'fine' })).status, 200);
    assert.equal(rejections, []);
  });
}

onExpress('the fetch client is told that the store is down', async (express) => {
  let down = false;
  const real = new MemorySessionStore();
  const store = storeWith(real, {
    accept: (sid: string, n: number, now: number) =>
      down ? Promise.reject(new Error('down')) : real.accept(sid, n, now),
  });
  const server = await startSealed(express, routes, { store });
  const sealedFetch = clientOf(server);
  const post = { method: 'POST', body: 'x' };
  assert.is((await sealedFetch('/raw', post)).status, 200);
  down = true;
  const error = await thrown(sealedFetch('/raw'), 'unavailable');
  assert.match(error.message, 'Try again later');
  // Another copy of a POST may have come before the store went down.
  const unsafe = await thrown(sealedFetch('/raw', post), 'outcome-unknown');
  assert.match(unsafe.message, 'unavailable');
  down = false;
  const response = await sealedFetch('/raw', post);
  assert.is(response.sealed.outer.get('content-type'), messageType);
  assert.is(handled, 2);
});

test.run();
