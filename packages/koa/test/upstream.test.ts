// Middleware before sealwire() that waits for what follows: it goes on with the final status, whoever answered, and
// also when nobody is left to be answered.
import { configurationPath, defaultHandshakePath, handshakeType, MemorySessionStore } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Arrivals, sleep, unhandledRejections } from '../../../test/support/cases.ts';
import { type Koa, onKoa, startKoa } from '../../../test/support/koa.ts';
import { RawConnection } from '../../../test/support/raw-http.ts';
import { storeWith } from '../../../test/support/stores.ts';
import { WireClient } from '../../../test/support/wire-client.ts';

/** Mounts what loggers do: `lines` gets one per request once everything after it is done. */
function logging(lines: Arrivals<string>): (app: Koa) => void {
  return (app) => {
    app.use(async (ctx, next) => {
      const { url } = ctx;
      let failed = '';
      try {
        await next();
      } catch (error) {
        failed = ` threw ${(error as Error).message}`;
      }
      lines.push(`${ctx.method} ${url} ${ctx.status}${failed}`);
    });
  };
}

function routes(app: Koa): void {
  app.use(async (ctx) => {
    if (ctx.path === '/throws') ctx.throw(418, 'teapot');
    if (ctx.path === '/found') ctx.body = 'found';
    if (ctx.path === '/read') {
      let length = 0;
      for await (const chunk of ctx.req) length += chunk.length;
      ctx.body = String(length);
    }
  });
}

onKoa('the final status of every answer, one of the middleware itself among them', async (Koa) => {
  const lines = new Arrivals<string>();
  const server = await startKoa(Koa, routes, { before: logging(lines) });
  const { origin } = server;
  const wire = await WireClient.connect(server);
  assert.is(await lines.next(), `GET ${configurationPath} 200`);
  assert.is(await lines.next(), `POST ${defaultHandshakePath} 200`);

  await wire.exchange({ path: '/found' });
  assert.is(await lines.next(), 'GET /found 200');
  await wire.exchange({ path: '/read', body: 'four' });
  assert.is(await lines.next(), 'POST /read 200');
  await wire.exchange({ path: '/nowhere' });
  assert.is(await lines.next(), 'GET /nowhere 404');
  await wire.exchange({ path: '/throws' });
  assert.is(await lines.next(), 'GET /throws 404 threw teapot');

  const replayed = await wire.seal({ path: '/found' });
  await wire.send(replayed);
  await lines.next();
  assert.is((await wire.open(replayed, await wire.send(replayed))).status, 409);
  assert.is(await lines.next(), 'GET /found 409');
  const damaged = await wire.seal({ path: '/read', body: 'four' });
  damaged.message.fill(0, 30);
  assert.is((await wire.send(damaged)).status, 400);
  assert.is(await lines.next(), 'POST /read 400');

  const plaintext: [path: string, init: RequestInit, line: string][] = [
    ['/found', {}, 'GET /found 400'],
    [configurationPath, { method: 'HEAD' }, `HEAD ${configurationPath} 200`],
    [
      defaultHandshakePath,
      { method: 'POST', body: 'x', headers: { 'content-type': handshakeType } },
      `POST ${defaultHandshakePath} 400`,
    ],
  ];
  for (const [path, init, line] of plaintext) {
    await (await fetch(origin + path, init)).arrayBuffer();
    assert.is(await lines.next(), line);
  }
});

onKoa('a client that goes away before its request is there, at whatever point', async (Koa) => {
  const unhandled = unhandledRejections();
  const lines = new Arrivals<string>();
  const server = await startKoa(Koa, routes, { before: logging(lines) });
  const wire = await WireClient.connect(server);
  for (const _ of [1, 2]) await lines.next();
  const message = () => wire.seal({ path: '/read', body: 'x'.repeat(3000), shares: [1000] });
  for (const [where, sent, line] of [
    ['before its body', 0, 'POST /read 404'],
    ['in record 0', 500, 'POST /read 404'],
    // Its head is there, so the handler ran and had its error.
    ['between records', 2000, 'POST /read 404 threw aborted'],
  ] as const) {
    const connection = await RawConnection.open(server.port);
    const sealed = await message();
    await wire.sendHead(sealed, { connection });
    await connection.write(sealed.message.subarray(0, sent));
    await sleep(30);
    connection.socket.destroy();
    assert.is(await lines.next(where), line);
  }
  assert.equal(unhandled, []);
});

onKoa('a client that goes away before the turn of its request comes on the connection', async (Koa) => {
  const lines = new Arrivals<string>();
  const running = new Arrivals<() => void>();
  const server = await startKoa(
    Koa,
    (app) => {
      app.use(async (ctx) => {
        await new Promise<void>((resolve) => running.push(resolve));
        ctx.body = 'x';
      });
    },
    { before: logging(lines) },
  );
  const wire = await WireClient.connect(server);
  for (const _ of [1, 2]) await lines.next();
  const connection = await RawConnection.open(server.port);
  await wire.write(await wire.seal({ path: '/first' }), { connection });
  const finish = await running.next();
  await connection.head('GET', '/plain', [['Host', 'localhost']]);
  const half = await wire.seal({ path: '/half', body: 'x'.repeat(2000) });
  await wire.sendHead(half, { connection });
  await connection.write(half.message.subarray(0, 300));
  await sleep(30);
  connection.socket.destroy();
  const both = [await lines.next('one that waits'), await lines.next('the other')];
  assert.equal(both.sort(), ['GET /plain 400', 'POST /half 404']);
  finish();
  assert.is(await lines.next(), 'GET /first 200');
});

onKoa('a client that goes away while the session store thinks: its handler does not run', async (Koa) => {
  const unhandled = unhandledRejections();
  const lines = new Arrivals<string>();
  const asked = new Arrivals<void>();
  const answer = new Arrivals<void>();
  const memory = new MemorySessionStore();
  let handled = 0;
  const store = storeWith(memory, {
    async accept(...args: Parameters<typeof memory.accept>) {
      asked.push();
      await answer.next();
      return memory.accept(...args);
    },
  });
  const server = await startKoa(
    Koa,
    (app) => {
      app.use(() => {
        handled++;
        throw new Error('nobody hears this');
      });
    },
    { before: logging(lines), store },
  );
  const wire = await WireClient.connect(server);
  for (const _ of [1, 2]) await lines.next();
  const connection = await RawConnection.open(server.port);
  await wire.write(await wire.seal({ path: '/found' }), { connection });
  await asked.next();
  connection.socket.destroy();
  assert.is(await lines.next(), 'GET /found 404');
  answer.push();
  await sleep(20);
  assert.is(handled, 0);
  assert.equal(unhandled, []);
});

test.run();
