// Bytes that arrive before sealwire() runs, because something asynchronous stands before it, are opened like all others.

import { MemorySessionStore } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from '../../../test/support/bytes.ts';
import {
  type Application,
  type Express,
  onExpress,
  type RequestHandler,
  sleep,
} from '../../../test/support/cases.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { RawConnection } from '../../../test/support/raw-http.ts';
import { startSealed } from '../../../test/support/servers.ts';
import { SlowStore } from '../../../test/support/stores.ts';
import { WireClient } from '../../../test/support/wire-client.ts';

let handled = 0;
/** Unread bodies that came to their end. */
let ended = 0;

function routes(app: Application, express: Express): void {
  handled = 0;
  ended = 0;
  app.post('/parsed', express.raw({ type: () => true, limit: '5mb' }), (req, res) => {
    handled++;
    res.send(Buffer.isBuffer(req.body) ? req.body : '');
  });
  app.post('/piped', (req, res) => void req.pipe(res));
  app.post('/late', async (req, res) => {
    await sleep(5);
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    res.end(Buffer.concat(chunks));
  });
  app.post('/unread', (req, res) => {
    req.on('end', () => ended++);
    res.end('unread');
  });
  app.get('/page', (_req, res) => void res.send('page'));
}

const wait =
  (milliseconds: number): RequestHandler =>
  async (req, _res, next) => {
    // The well-known endpoints come at once.
    if (!req.path.startsWith('/.well-known/')) await sleep(milliseconds);
    next();
  };
const before = (app: Application) => void app.use(wait(30));

// Around what one read of a socket, Node's buffer and the holding of small bodies take.
const sizes = [
  0, 1, 1000, 16_000, 16_384, 60_000, 65_000, 65_536, 66_000, 70_000, 75_000, 80_000, 130_000, 1_000_000,
];

for (const [storeName, createStore] of [
  ['at once', () => new MemorySessionStore()],
  ['later', () => new SlowStore(new MemorySessionStore())],
] as const) {
  onExpress(
    `bodies of all sizes arrive whole behind a slow middleware, the store answering ${storeName}`,
    async (express) => {
      const server = await startSealed(express, routes, { before, store: createStore() });
      const wire = await WireClient.connect(server);
      const checks = sizes.flatMap((size) =>
        ['/parsed', '/piped', '/late'].map(async (path) => {
          const answer = await wire.exchange({ path, body: pattern(size) });
          assert.is(answer.body.length, size, `${size} bytes at ${path}`);
          assert.ok(answer.body.equals(pattern(size)));
        }),
      );
      await Promise.all(checks);
    },
  );
}

onExpress('records of every cut that are all there before are taken together', async (express) => {
  const server = await startSealed(express, routes, { before });
  const wire = await WireClient.connect(server);
  const cuts: number[][] = [
    [0],
    [100, 200],
    [1, 1, 1],
    [30_000, 30_000],
    [10_000, 65_000],
    [60_000, 10_000],
    [65_000, 1, 65_000],
  ];
  await Promise.all(
    cuts.map(async (shares) => {
      const length = shares.reduce((sum, share) => sum + share, 0);
      const body = pattern(length);
      for (const path of ['/parsed', '/late']) {
        const answer = await wire.exchange({ path, body, shares });
        assert.ok(answer.body.equals(body), `${shares} at ${path}`);
        const undeclared = await wire.exchange({ path, body, shares, length: false });
        assert.ok(undeclared.body.equals(body), `${shares} without a length at ${path}`);
      }
    }),
  );
});

onExpress('records that came in several reads are all there', async (express) => {
  const server = await startSealed(express, routes, { before });
  const wire = await WireClient.connect(server);
  // Two reads, the first of which ends the first record: together more than is held, and less than makes Node wait.
  for (const [shares, firstRead] of [
    [[5000, 63_000], 6000],
    [[5000, 1000, 62_000], 5500],
    [[10_000, 60_000], 12_000],
    [[1000, 1000], 1500],
  ] as const) {
    const body = pattern(shares.reduce((sum: number, share) => sum + share, 0));
    for (const path of ['/parsed', '/late', '/piped']) {
      const message = await wire.seal({ path, body, shares });
      const connection = await RawConnection.open(server.port);
      await wire.sendHead(message, { connection });
      await connection.write(message.message.subarray(0, firstRead));
      await sleep(5);
      await connection.write(message.message.subarray(firstRead));
      const answer = await wire.open(message, await connection.response());
      assert.is(answer.body.length, body.length, `${shares} at ${path}`);
      assert.ok(answer.body.equals(body));
    }
  }
});

onExpress('bytes that come before and behind the wait are one body', async (express) => {
  const server = await startSealed(express, routes, { before });
  const wire = await WireClient.connect(server);
  await Promise.all(
    [500, 40_000, 150_000].map(async (size) => {
      const message = await wire.seal({ path: '/parsed', body: pattern(size) });
      const connection = await RawConnection.open(server.port);
      const half = message.message.length >> 1;
      await wire.sendHead(message, { connection });
      await connection.write(message.message.subarray(0, half));
      await sleep(45);
      await connection.write(message.message.subarray(half));
      const answer = await wire.open(message, await connection.response());
      assert.ok(answer.body.equals(pattern(size)), `${size} bytes`);
    }),
  );
});

onExpress('what is damaged or cut short is refused as ever', async (express) => {
  const server = await startSealed(express, routes, { before });
  const wire = await WireClient.connect(server);
  assert.is((await wire.exchange({ path: '/parsed', body: 'fine' })).body.toString(), 'fine');
  await Promise.all(
    [10, 60_000, 70_000, 200_000].flatMap((size) =>
      [
        (bytes: Buffer) => flipped(bytes, 32 * 8 + 70),
        (bytes: Buffer) => flipped(bytes, bytes.length * 8 - 3),
        (bytes: Buffer) => bytes.subarray(0, -1),
        (bytes: Buffer) => bytes.subarray(0, 33),
        () => Buffer.alloc(0),
      ].map(async (change) => {
        const message = await wire.seal({ path: '/parsed', body: pattern(size) });
        assert.is((await wire.send(message, { body: change(message.message) })).status, 400);
      }),
    ),
  );
  assert.is(handled, 1);
});

onExpress('what nobody reads ends, and does not stand in the way of the next request', async (express) => {
  const server = await startSealed(express, routes, { before });
  const wire = await WireClient.connect(server);
  const unread = [100, 70_000, 500_000];
  await Promise.all(
    unread.map(async (size) => {
      const connection = await RawConnection.open(server.port);
      for (let i = 0; i < 2; i++) {
        const answer = await wire.exchange({ path: '/unread', body: pattern(size) }, { connection });
        assert.is(answer.body.toString(), 'unread');
      }
      assert.is((await wire.exchange({ path: '/page' }, { connection })).body.toString(), 'page');
    }),
  );
  assert.is(ended, 2 * unread.length);
});

onExpress('what came in part while the store was asked, and nobody reads, ends', async (express) => {
  const store = new SlowStore(new MemorySessionStore(), () => sleep(10));
  const server = await startSealed(express, routes, { store });
  const wire = await WireClient.connect(server);
  const connection = await RawConnection.open(server.port);
  const message = await wire.seal({ path: '/unread', body: pattern(3000) });
  await wire.sendHead(message, { connection });
  await connection.write(message.message.subarray(0, 1000));
  // By then the store has answered both questions.
  await sleep(60);
  await connection.write(message.message.subarray(1000));
  assert.is((await connection.response()).status, 200);
  assert.is((await wire.exchange({ path: '/page' }, { connection })).body.toString(), 'page');
  assert.is(ended, 1);
});

onExpress('the fetch client behind a slow middleware', async (express) => {
  const server = await startSealed(express, routes, { before });
  const sealedFetch = clientOf(server);
  await Promise.all(
    sizes.map(async (size) => {
      const response = await sealedFetch('/parsed', { method: 'POST', body: pattern(size) });
      assert.ok(Buffer.from(await response.arrayBuffer()).equals(pattern(size)), `${size} bytes`);
    }),
  );
});

test.run();
