// allowPlaintext() exempts the route that it stands on, and nothing else.
import type { Application, RequestHandler, Router } from 'express';

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Express, onExpress } from '../../../test/support/cases.ts';
import { startSealed } from '../../../test/support/servers.ts';
import { request } from '../../../test/support/supertest.ts';
import { allowPlaintext } from '../src/index.ts';

const answer: RequestHandler = (req, res) => {
  res.json({ path: req.originalUrl, sealed: req.sealed !== undefined });
};

type Method = 'get' | 'post' | 'head' | 'delete';

/** Starts an app and asserts which plaintext requests pass and which are refused. */
async function plaintext(
  express: Express,
  routes: (app: Application, router: () => Router) => void,
  expected: { pass?: [Method, string][]; refuse?: [Method, string][] },
  before?: (app: Application) => void,
): Promise<void> {
  const server = await startSealed(express, (app) => routes(app, () => express.Router()), {
    ...(before && { before }),
  });
  for (const [method, path] of expected.pass ?? []) {
    const { status, headers } = await request(server.origin)[method](path);
    assert.is(status, 200, `${method} ${path}`);
    assert.is(headers['sealwire'], undefined);
  }
  for (const [method, path] of expected.refuse ?? []) {
    const { status, headers } = await request(server.origin)[method](path);
    assert.is(status, 400, `${method} ${path}`);
    assert.is(headers['sealwire'], 'sealed-required', `${method} ${path}`);
  }
}

onExpress('on a route: that route and its HEAD', async (express) => {
  await plaintext(
    express,
    (app) => {
      app.get('/open/:id', allowPlaintext(), answer);
      app.get('/closed', answer);
      app.post('/open/:id', answer);
    },
    {
      pass: [
        ['get', '/open/1'],
        ['get', '/open/1?q=/closed'],
        ['get', '/OPEN/1/'],
        ['head', '/open/1'],
      ],
      refuse: [
        ['get', '/closed'],
        ['get', '/closed?/open/1'],
        ['get', '/'],
        ['get', '/open'],
        ['get', '/open/1/more'],
        ['post', '/open/1'],
        ['delete', '/open/1'],
        ['get', '/missing'],
      ],
    },
  );
});

onExpress('as one of several middlewares, and on all methods', async (express) => {
  const pass: RequestHandler = (_req, _res, next) => next();
  await plaintext(
    express,
    (app) => {
      app.all('/any', pass, [pass, allowPlaintext()], answer);
      app.get('/after', pass, answer);
    },
    {
      pass: [
        ['get', '/any'],
        ['post', '/any'],
        ['delete', '/any'],
      ],
      refuse: [['get', '/after']],
    },
  );
});

onExpress('in routers within routers', async (express) => {
  await plaintext(
    express,
    (app, router) => {
      const [outer, inner] = [router(), router()];
      inner.get('/open', allowPlaintext(), answer);
      inner.get('/closed', answer);
      outer.use('/inner/:id', inner);
      outer.get('/', allowPlaintext(), answer);
      app.use('/outer', outer);
      app.get('/outer/late', allowPlaintext(), answer);
    },
    {
      pass: [
        ['get', '/outer/inner/7/open'],
        ['get', '/outer'],
        ['get', '/outer/'],
        ['get', '/outer/late'],
      ],
      refuse: [
        ['get', '/outer/inner/7/closed'],
        ['get', '/inner/7/open'],
        ['get', '/open'],
        ['get', '/outerx/inner/7/open'],
      ],
    },
  );
});

onExpress('the first route that would run decides', async (express) => {
  await plaintext(
    express,
    (app) => {
      app.get('/notes/closed', answer);
      app.get('/notes/:name', allowPlaintext(), answer);
      app.get('/notes/open', answer);
    },
    {
      pass: [
        ['get', '/notes/open'],
        ['get', '/notes/other'],
      ],
      refuse: [['get', '/notes/closed']],
    },
  );
});

onExpress('mounted before sealwire(): the path it is mounted on', async (express) => {
  await plaintext(
    express,
    (app) => {
      app.use(answer);
    },
    {
      pass: [
        ['get', '/public'],
        ['post', '/public/deep'],
      ],
      refuse: [
        ['get', '/publicity'],
        ['get', '/'],
        ['get', '/deep/public'],
      ],
    },
    (app) => {
      app.use('/public', allowPlaintext());
    },
  );
});

onExpress('on one method of a route: not on its others', async (express) => {
  await plaintext(
    express,
    (app) => {
      app.route('/item').get(allowPlaintext(), answer).delete(answer);
    },
    { pass: [['get', '/item']], refuse: [['delete', '/item']] },
  );
});

onExpress('behind a mounted app: nothing that the app may answer', async (express) => {
  await plaintext(
    express,
    (app) => {
      const mounted = express();
      mounted.get('/secret', answer);
      app.use('/mounted', mounted);
      app.get('/open', allowPlaintext(), answer);
      app.get('/mounted/secret', allowPlaintext(), answer);
    },
    { pass: [['get', '/open']], refuse: [['get', '/mounted/secret']] },
  );
});

test.run();
