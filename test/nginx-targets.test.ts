// A real nginx in front, set up as operators set it up: what it does to a target is undone by an option or refused by name.
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { behindNginx, startBehindNginx } from './support/behind-nginx.ts';
import type { Express } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import type { NginxBlocks } from './support/nginx.ts';
import { thrown } from './support/problems.ts';
import type { SealedAppOptions } from './support/servers.ts';

let handled = 0;

function routes(app: Application, express: Express): void {
  handled = 0;
  app.set('trust proxy', true);
  app.use(express.text({ type: () => true, limit: '1mb' }));
  app.use((req, res) => {
    handled++;
    const { method, originalUrl, url, query, hostname, protocol, ip, body = null } = req;
    res.json({ method, originalUrl, url, query, hostname, protocol, ip, body });
  });
}

const startBehind = (
  express: Express,
  blocks: (upstream: string) => NginxBlocks,
  options?: SealedAppOptions,
) => startBehindNginx(express, routes, blocks, options);

/** The endpoints live at the root of the origin, whatever else is elsewhere. */
const wellKnown = (upstream: string) => `location /.well-known/sealwire { proxy_pass ${upstream}; }`;

const paths = ['/api/orders', '/api/a%2fb', '/api/a//b', '/api/%7Euser?q=%c3%bc&r=a+b', '/api/a;b=c?q=?&r=/'];

behindNginx('proxy_pass without a path passes every target on as it came', async (express) => {
  const server = await startBehind(express, (upstream) => ({
    server: `location / { proxy_pass ${upstream}; }`,
  }));
  const sealedFetch = clientOf(server);
  for (const path of paths) {
    for (const init of [{}, { method: 'POST', body: 'a body' }, { method: 'DELETE' }]) {
      const seen = await (await sealedFetch(path, init)).json();
      assert.equal([seen.originalUrl, seen.url], [path, path]);
    }
  }
  assert.is((await sealedFetch('/api', { method: 'HEAD' })).status, 200);
  const large = 'x'.repeat(500_000);
  assert.is((await (await sealedFetch('/large', { method: 'POST', body: large })).json()).body, large);
});

const strips = (upstream: string) => ({
  server: `${wellKnown(upstream)} location /api/ { proxy_pass ${upstream}/; }`,
});

behindNginx(
  'proxy_pass with a path strips the prefix: refused by name, or told by `stripPrefix`',
  async (express) => {
    const told = await startBehind(express, strips, { stripPrefix: '/api' });
    const seen = await (await clientOf(told)('/api/orders/7?q=1', { method: 'POST', body: 'tea' })).json();
    // As an app behind such a proxy has its routes.
    assert.equal(
      [seen.originalUrl, seen.url, seen.query, seen.body],
      ['/orders/7?q=1', '/orders/7?q=1', { q: '1' }, 'tea'],
    );
    assert.is((await (await clientOf(told)('/api/')).json()).url, '/');

    const untold = await startBehind(express, strips);
    const error = await thrown(clientOf(untold)('/api/orders?q=1'), 'target-mismatch');
    assert.match(error.message, 'The path differs: sealed GET /api/orders?q=1, received GET /orders?q=1.');
    assert.match(error.message, /strips `\/api`.*`stripPrefix`/);
    assert.is(handled, 0);
  },
);

behindNginx('a prefix that is replaced, and one that is added to every path', async (express) => {
  const replaced = await startBehind(
    express,
    (upstream) => ({ server: `${wellKnown(upstream)} location /api/ { proxy_pass ${upstream}/v1/; }` }),
    { stripPrefix: '/api', addPrefix: '/v1' },
  );
  assert.is((await (await clientOf(replaced)('/api/orders?q=1')).json()).originalUrl, '/v1/orders?q=1');

  const adds = (upstream: string) => ({ server: `location / { proxy_pass ${upstream}/v1/; }` });
  // The endpoints get the prefix, too.
  const added = await startBehind(express, adds, { addPrefix: '/v1' });
  assert.is((await (await clientOf(added)('/orders?q=1')).json()).originalUrl, '/v1/orders?q=1');
  assert.is((await (await clientOf(added)('/')).json()).originalUrl, '/v1/');

  const untold = await startBehind(express, (upstream) => ({
    server: `${wellKnown(upstream)} location / { proxy_pass ${upstream}/v1/; }`,
  }));
  const error = await thrown(clientOf(untold)('/orders'), 'target-mismatch');
  assert.match(error.message, /received GET \/v1\/orders\. .*adds `\/v1`.*`addPrefix`/);
});

behindNginx('merged slashes and decoded escapes are refused, and the message says so', async (express) => {
  const merges = await startBehind(express, strips, { stripPrefix: '/api' });
  const sealedFetch = clientOf(merges);
  // What nginx writes again as it was, or with another spelling of the same, passes.
  for (const path of ['/orders', '/%7Euser', '/%c3%bc', '/a%20b'])
    assert.is((await (await sealedFetch(`/api${path}`)).json()).url, path);
  const before = handled;
  const slashes = await thrown(sealedFetch('/api/a//b'), 'target-mismatch');
  assert.match(slashes.message, /sealed GET \/api\/a\/\/b, forwarded as \/a\/\/b, received GET \/a\/b\./);
  assert.match(slashes.message, 'merges slashes');
  assert.match((await thrown(sealedFetch('/api/a%2fb'), 'target-mismatch')).message, 'decodes escapes');
  assert.is(handled, before);

  const keeps = await startBehind(
    express,
    (upstream) => ({ http: 'merge_slashes off;', ...strips(upstream) }),
    { stripPrefix: '/api' },
  );
  assert.is((await (await clientOf(keeps)('/api/a//b')).json()).url, '/a//b');
});

behindNginx('a query that is rewritten is refused by name, or told by `ignoreQuery`', async (express) => {
  const rewrites = (upstream: string) => ({
    server: `${wellKnown(upstream)} location / { set $args "$args&utm=1"; proxy_pass ${upstream}; }`,
  });
  const untold = await startBehind(express, rewrites);
  const error = await thrown(clientOf(untold)('/x?a=1'), 'target-mismatch');
  assert.match(error.message, 'The query differs: sealed GET /x?a=1, received GET /x?a=1&utm=1.');
  assert.match(error.message, 'ignoreQuery');
  const told = await startBehind(express, rewrites, { ignoreQuery: true });
  const seen = await (await clientOf(told)('/x?a=1')).json();
  assert.equal([seen.originalUrl, seen.url, seen.query], ['/x?a=1', '/x?a=1', { a: '1' }]);
});

behindNginx(
  'the same bytes to another method, path or query are refused, and say what changed',
  async (express) => {
    const server = await startBehind(express, (upstream) => ({
      server: `
      location / { proxy_pass ${upstream}; }
      location /method { proxy_method PUT; proxy_pass ${upstream}; }
      location /path { rewrite ^ /admin break; proxy_pass ${upstream}; }
      location /query { set $args "role=admin"; proxy_pass ${upstream}; }`,
    }));
    const sealedFetch = clientOf(server);
    for (const [path, init, message] of [
      [
        '/method',
        { method: 'POST', body: 'b' },
        'The method differs: sealed POST /method, received PUT /method.',
      ],
      ['/method', { method: 'DELETE' }, 'The method differs: sealed DELETE /method, received PUT /method.'],
      ['/path', { method: 'POST', body: 'b' }, 'The path differs: sealed POST /path, received POST /admin.'],
      ['/path', {}, 'The path differs: sealed GET /path, received GET /admin.'],
      [
        '/query?role=user',
        {},
        'The query differs: sealed GET /query?role=user, received GET /query?role=admin.',
      ],
    ] as const) {
      const other = path.replace('/', '/let-through-');
      const before = handled;
      assert.is((await (await sealedFetch(other, init)).json()).originalUrl, other);
      assert.match((await thrown(sealedFetch(path, init), 'target-mismatch')).message, message);
      assert.is(handled, before + 1);
    }
  },
);

behindNginx(
  'X-Forwarded-Host does not change req.hostname, and req.ip is the one that nginx tells',
  async (express) => {
    const server = await startBehind(express, (upstream) => ({
      server: `location / {
      proxy_set_header Host internal.example;
      proxy_set_header X-Forwarded-Host evil.example;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-For 192.0.2.7;
      proxy_pass ${upstream};
    }`,
    }));
    for (const init of [{}, { method: 'POST', body: 'a body' }]) {
      const seen = await (await clientOf(server)('/x', init)).json();
      assert.equal([seen.hostname, seen.protocol, seen.ip], ['127.0.0.1', 'http', '192.0.2.7']);
    }
  },
);

test.run();
