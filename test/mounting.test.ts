// sealwire() mounted on a path, and in sub-apps: the application sees what it would see in plain, and no path but the sealed one.
import { MemorySessionStore, messageType } from '@sealwire/core';
import { allowPlaintext, sealwire } from '@sealwire/express';
import type { Application, RequestHandler } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Express, onExpress } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { assertSealedProblem, thrown } from './support/problems.ts';
import { keys, listen, pin } from './support/servers.ts';
import { request } from './support/supertest.ts';
import { WireClient } from './support/wire-client.ts';

const wellKnown = '/.well-known/sealwire';

let handled: string[] = [];
const show: RequestHandler = (req, res) => {
  handled.push(req.originalUrl);
  const { originalUrl, baseUrl, url, path, params, query } = req;
  res.json({ originalUrl, baseUrl, url, path, params, query });
};

/** Starts an app that mounts sealwire() wherever it likes; it gets one that does nothing for the twin in plain. */
async function start(
  express: Express,
  mount: (app: Application, seal: RequestHandler, express: Express) => void,
): Promise<{ origin: string; port: number; pin: string; plain: string }> {
  handled = [];
  const running = await listen();
  const apps = [
    sealwire({ keys, origins: [running.origin], store: new MemorySessionStore() }),
    ((_req, _res, next) => next()) as RequestHandler,
  ].map((seal) => {
    const app = express().set('env', 'test');
    mount(app, seal, express);
    return app;
  });
  running.server.on('request', apps[0] as Application);
  return { ...running, pin, plain: (await listen(apps[1])).origin };
}

const mounts: Record<string, (app: Application, seal: RequestHandler, express: Express) => void> = {
  'on a path': (app, seal) => {
    app.use(wellKnown, seal);
    app.use('/api', seal);
    app.get('/api', show).get('/api/orders/:id', show);
  },
  'on a path with a parameter': (app, seal) => {
    app.use(wellKnown, seal);
    app.use('/:tenant', seal);
    app.get('/:tenant', show).get('/:tenant/orders/:id', show);
  },
  'in a router on a path': (app, seal, express) => {
    const router = express.Router();
    router.use(seal);
    router.get('/', show).get('/orders/:id', show);
    app.use(wellKnown, seal);
    app.use('/api', router);
  },
  'in a sub-app': (app, seal, express) => {
    const sub = express();
    sub.use(seal);
    sub.get('/', show).get('/orders/:id', show);
    app.use(wellKnown, seal);
    app.use('/api', sub);
  },
  'on a path of a sub-app of a sub-app': (app, seal, express) => {
    const [sub, deep] = [express(), express()];
    deep.use('/orders', seal);
    deep.get('/orders/:id', show).get('/', show);
    sub.use(deep);
    app.use(wellKnown, seal);
    app.use('/api', sub);
  },
  'at the root, before sub-apps': (app, seal, express) => {
    const sub = express();
    sub.get('/', show).get('/orders/:id', show);
    app.use(seal);
    app.use('/api', sub);
  },
};

for (const [name, mount] of Object.entries(mounts)) {
  onExpress(`${name}: paths and parameters are those that the app sees in plain`, async (express) => {
    const server = await start(express, mount);
    const sealedFetch = clientOf(server);
    const paths = ['/api/orders/7?a=1&b[c]=2', '/api/orders/%C3%BC%2F', '/api/orders/7/'];
    if (!name.includes('sub-app of')) paths.push('/api', '/api/', '/api?q=1', '/api/?q=1');
    for (const path of paths) {
      const sealed = await (await sealedFetch(path)).json();
      assert.equal(sealed, await (await fetch(server.plain + path)).json(), path);
    }
    assert.is((await request(server.origin).get('/api/orders/7')).headers['sealwire'], 'sealed-required');
  });
}

onExpress('another spelling of the path outside does not move where the sealed one goes', async (express) => {
  for (const [name, moves, passes] of [
    [
      'on a path',
      [
        // Sealed for a path beside the mount, whose beginning is as long.
        ['/api2/orders/7', '/api/../api2/orders/7'],
        ['/xyz/orders/7', '/api/%2e%2e/xyz/orders/7'],
      ],
      [
        ['/api/orders/7', '/api/./orders/7'],
        ['/api/orders/~', '/api/orders/%7E'],
        ['/api/orders/7', '/api/orders/8/../7'],
      ],
    ],
    [
      'on a path with a parameter',
      [
        ['/~acme/orders/7', '/%7Eacme/orders/7'],
        ['/acme/orders/7', '/other/../acme/orders/7'],
        ['/acme/orders/7', '/./acme/orders/7'],
      ],
      [
        ['/~acme/orders/7', '/~acme/orders/7'],
        ['/%7Eacme/orders/7', '/%7Eacme/orders/7'],
        ['/acme/orders/7', '/acme/x/../orders/7'],
      ],
    ],
  ] as const) {
    const server = await start(express, mounts[name] as (typeof mounts)[string]);
    const wire = await WireClient.connect(server);
    for (const [path, outer] of passes) {
      const message = { ...(await wire.seal({ path })), path: outer };
      const answer = await wire.open(message, await wire.send(message));
      assert.equal([answer.status, handled.pop()], [200, path], outer);
    }
    for (const [path, outer] of moves) {
      const message = { ...(await wire.seal({ path })), path: outer };
      const problem = assertSealedProblem(
        await wire.open(message, await wire.send(message)),
        'target-mismatch',
      );
      assert.match(problem.detail ?? '', /The path differs: .* mount path/);
    }
    assert.equal(handled, []);
  }
});

onExpress(
  'a handler before sealwire() is not sealed: it sees the wire and answers in plaintext',
  async (express) => {
    const server = await start(express, (app, seal) => {
      app.post(
        '/before',
        (req, res) => void res.json([req.get('content-type'), req.get('authorization') ?? null]),
      );
      app.use(seal);
      app.post('/behind', (req, res) => void res.json([req.get('content-type'), req.get('authorization')]));
    });
    const sealedFetch = clientOf(server);
    const init = { method: 'POST', body: 'b', headers: { 'content-type': 'text/x', authorization: 'mine' } };
    assert.equal(await (await sealedFetch('/behind', init)).json(), ['text/x', 'mine']);
    const error = await thrown(sealedFetch('/before', init), 'plaintext-answer');
    const { untrusted } = error as unknown as { untrusted: Response };
    assert.equal(await untrusted.json(), [messageType, null]);
  },
);

onExpress('behind one sealwire() a second one passes on what the first opened', async (express) => {
  const server = await start(express, (app, seal) => {
    app.use(seal);
    app.get('/once', show);
    app.use(seal);
    app.get('/twice', show);
  });
  const sealedFetch = clientOf(server);
  assert.is((await sealedFetch('/once')).status, 200);
  assert.is((await sealedFetch('/twice')).status, 200);
  assert.equal(handled, ['/once', '/twice']);
  // To plaintext the second is as strict as the first.
  assert.is((await fetch(`${server.origin}/twice`)).status, 400);
  assert.equal(handled, ['/once', '/twice']);
});

onExpress('allowPlaintext() exempts its own path, and not the same route elsewhere', async (express) => {
  const server = await start(express, (app, seal, version) => {
    const sub = version();
    sub.use('/deep', seal);
    sub.get('/deep/health', allowPlaintext(), show);
    sub.get('/deep/orders', show);
    sub.get('/orders', allowPlaintext(), show);
    app.use('/sub', sub);
    app.use('/api', seal);
    app.get('/orders', allowPlaintext(), show);
    app.get('/api/orders', show);
    app.get('/api/health', allowPlaintext(), show);
  });
  for (const path of ['/orders', '/api/health', '/sub/deep/health', '/sub/orders'])
    assert.is((await request(server.origin).get(path)).status, 200, path);
  for (const path of ['/api/orders', '/sub/deep/orders']) {
    const refused = await request(server.origin).get(path);
    assert.is(refused.headers['sealwire'], 'sealed-required', path);
  }
});

test.run();
