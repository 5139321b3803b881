// sealwire() below a path, by koa-mount: the application sees what it would see in plain, and no path but the sealed one.
import { MemorySessionStore } from '@sealwire/core';
import { sealwire } from '@sealwire/koa';
import type { Context, Middleware } from 'koa';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clientOf } from '../../../test/support/clients.ts';
import { type Koa, type KoaClass, mount, onKoa, quietKoa } from '../../../test/support/koa.ts';
import { assertSealedProblem } from '../../../test/support/problems.ts';
import { keys, listen, pin } from '../../../test/support/servers.ts';
import { request } from '../../../test/support/supertest.ts';
import { WireClient } from '../../../test/support/wire-client.ts';

let handled: string[] = [];

function show(ctx: Context): void {
  const { url, originalUrl, path, query } = ctx;
  handled.push(originalUrl);
  ctx.body = { url, originalUrl, path, query };
}

type Mounting = (app: Koa, seal: Middleware, Koa: KoaClass) => void;

const mountings: Record<string, Mounting> = {
  'on a path': (app, seal) => {
    app.use(mount('/api', seal));
    app.use(show);
  },
  'in a sub-app': (app, seal, Koa) => {
    const sub = new Koa();
    sub.use(seal);
    sub.use(show);
    app.use(mount('/api', sub));
  },
  'in a sub-app of a sub-app': (app, seal, Koa) => {
    const [sub, deep] = [new Koa(), new Koa()];
    deep.use(seal);
    deep.use(show);
    sub.use(mount('/orders', deep));
    sub.use(seal);
    sub.use(show);
    app.use(mount('/api', sub));
  },
  'at the root, before a sub-app': (app, seal, Koa) => {
    const sub = new Koa();
    sub.use(show);
    app.use(seal);
    app.use(mount('/api', sub));
  },
  'after a path was rewritten': (app, seal) => {
    app.use((ctx, next) => {
      ctx.path = ctx.path.replace(/^\/api/, '/v2');
      return next();
    });
    app.use(seal);
    app.use(show);
  },
};

async function start(Koa: KoaClass, mounting: Mounting) {
  handled = [];
  const running = await listen();
  const seal = sealwire({ keys, origins: [running.origin], store: new MemorySessionStore() });
  const [app, plain] = [quietKoa(Koa), quietKoa(Koa)];
  app.use(mount('/.well-known/sealwire', seal));
  mounting(app, seal, Koa);
  mounting(plain, (_ctx, next) => next(), Koa);
  running.server.on('request', app.callback());
  return { ...running, pin, plain: (await listen(plain.callback())).origin };
}

for (const [name, mounting] of Object.entries(mountings)) {
  onKoa(`${name}: paths are those that the app sees in plain`, async (Koa) => {
    const server = await start(Koa, mounting);
    const sealedFetch = clientOf(server);
    const paths = [
      '/api',
      '/api/',
      '/api?q=1',
      '/api/orders',
      '/api/orders/7?a=1&b=%C3%BC',
      '/api/%C3%BC%2F',
    ];
    for (const path of paths) {
      const sealed = await (await sealedFetch(path)).json();
      assert.equal(sealed, await (await fetch(server.plain + path)).json(), path);
    }
    assert.is((await request(server.origin).get('/api/orders')).headers['sealwire'], 'sealed-required');
  });
}

onKoa(
  'a query that is spelt in another way outside is the sealed one inside, wherever it is mounted',
  async (Koa) => {
    for (const [name, mounting] of Object.entries(mountings)) {
      const server = await start(Koa, mounting);
      const wire = await WireClient.connect(server);
      for (const path of ['/api/orders?a=~', '/api?a=~']) {
        const message = { ...(await wire.seal({ path })), path: path.replace('~', '%7E') };
        const answer = await wire.open(message, await wire.send(message));
        const plain = await (await fetch(server.plain + path)).json();
        assert.equal(JSON.parse(answer.body.toString()), plain, `${name}: ${path}`);
      }
    }
  },
);

/** What is sealed, and how it is spelt outside: all of it below `/api` there. */
const spellings = [
  ['/api/orders/~', '/api/orders/%7E'],
  ['/api/orders/7', '/api/x/../orders/7'],
  // Sealed for a path beside the mount, whose beginning is as long.
  ['/api2/orders/7', '/api/../api2/orders/7'],
  ['/xyz/orders/7', '/api/%2e%2e/xyz/orders/7'],
] as const;

onKoa('where a path is taken apart before, another spelling of it outside is refused', async (Koa) => {
  for (const [name, mounting] of Object.entries(mountings)) {
    if (name.startsWith('at the root')) continue;
    const server = await start(Koa, mounting);
    const wire = await WireClient.connect(server);
    for (const [path, outer] of spellings) {
      const message = { ...(await wire.seal({ path })), path: outer };
      const answer = await wire.open(message, await wire.send(message));
      const { detail } = assertSealedProblem(answer, 'target-mismatch');
      assert.match(detail ?? '', 'at a mount path both are spelt alike', `${name}: ${outer}`);
    }
    assert.equal(handled, [], name);
  }
});

onKoa('at the root the sealed spelling goes where it would in plain', async (Koa) => {
  const server = await start(Koa, mountings['at the root, before a sub-app'] as Mounting);
  const wire = await WireClient.connect(server);
  for (const [path, outer] of spellings) {
    const message = { ...(await wire.seal({ path })), path: outer };
    const answer = await wire.open(message, await wire.send(message));
    const plain = await fetch(server.plain + path);
    assert.equal([answer.status, answer.body.toString()], [plain.status, await plain.text()], outer);
  }
});

test.run();
