// A real nginx in front, set up as operators set it up: what it does to a target is undone by an option or refused by name.
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { frameworks, within } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { needing } from './support/needs.ts';
import { type NginxBlocks, planNginx } from './support/nginx.ts';
import { assertSealedProblem, thrown } from './support/problems.ts';
import { listen, type SealedAppOptions, type SealedServer, startSealed } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

type Express = (typeof frameworks)[number]['express'];

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

/** An app that knows the origin of the nginx in front of it, and that nginx. */
async function startBehind(
  express: Express,
  blocks: (upstream: string) => NginxBlocks,
  options: SealedAppOptions = {},
): Promise<SealedServer> {
  const nginx = await planNginx();
  const server = await startSealed(express, routes, { origins: [nginx.origin], ...options });
  await nginx.start(() => blocks(`http://127.0.0.1:${server.port}`));
  return { ...server, origin: nginx.origin, port: nginx.port };
}

function behindNginx(name: string, run: (express: Express) => Promise<void>): void {
  for (const framework of frameworks) {
    needing('nginx', test)(`${name} (${framework.name})`, () => within(run(framework.express), name, 30_000));
  }
}

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

behindNginx(
  'the longest head in a header fits the usual buffers; smaller ones give a clear error',
  async (express) => {
    const usual = await startBehind(express, (upstream) => ({
      server: `location / { proxy_pass ${upstream}; }`,
    }));
    // A token this long fills the 6,144 characters nearly.
    const headers = (length: number) => ({ authorization: `Bearer ${'t'.repeat(length)}` });
    assert.is((await clientOf(usual)('/x', { headers: headers(4300) })).status, 200);
    await thrown(clientOf(usual)('/x', { headers: headers(4600) }), 'head-too-large');

    const small = await startBehind(express, (upstream) => ({
      server: `client_header_buffer_size 512; large_client_header_buffers 2 1k; location / { proxy_pass ${upstream}; }`,
    }));
    const sealedFetch = clientOf(small);
    assert.is((await sealedFetch('/x')).status, 200);
    const before = handled;
    const error = await thrown(sealedFetch('/x', { headers: headers(2000) }), 'plaintext-answer');
    assert.is((error as unknown as { untrusted: Response }).untrusted.status, 400);
    assert.match(error.message, /Status 400\..*`Sealwire` header/);
    assert.is(handled, before);
    // With a body, the head is in it.
    const post = { method: 'POST', body: 'b', headers: headers(2000) };
    assert.is((await sealedFetch('/x', post)).status, 200);
  },
);

for (const dies of ['before', 'after'] as const) {
  behindNginx(`proxy_next_upstream: a first server that dies ${dies} it executed`, async (express) => {
    const nginx = await planNginx();
    const options = { origins: [nginx.origin] };
    const second = await startSealed(express, routes, options);
    const { store } = second;
    const executed: string[] = [];
    let passes = true;
    const first = await startSealed(
      express,
      (app) => {
        app.use((req, res) => {
          executed.push(req.method);
          if (passes) res.json('first');
          else req.socket.destroy();
        });
      },
      {
        ...options,
        store,
        before: (app) =>
          void app.use((req, _res, next) => {
            if (dies === 'before' && !passes) req.socket.destroy();
            else next();
          }),
      },
    );
    await nginx.start(() => ({
      http: `upstream both { server 127.0.0.1:${first.port} max_fails=0; server 127.0.0.1:${second.port} backup; }`,
      server: `location / {
        proxy_pass http://both;
        proxy_set_header Host $host;
        proxy_next_upstream error timeout non_idempotent;
      }`,
    }));
    handled = 0;
    const sealedFetch = clientOf({ ...second, origin: nginx.origin });
    const post = () => sealedFetch('/transfer', { method: 'POST', body: 'transfer 100' });
    assert.is(await (await post()).json(), 'first');
    passes = false;
    if (dies === 'before') {
      assert.is((await (await post()).json()).body, 'transfer 100');
      assert.equal([executed.length, handled], [1, 1]);
    } else {
      // The second server knows from the store that these bytes ran; that they ran to an end, nobody knows.
      await thrown(post(), 'outcome-unknown');
      assert.equal([executed.length, handled], [2, 0]);
    }
  });
}

behindNginx('bytes that were sent again behind the first answer are a sealed "replayed"', async (express) => {
  const server = await startBehind(express, (upstream) => ({
    server: `location / { proxy_pass ${upstream}; }`,
  }));
  const wire = await WireClient.connect(server);
  const message = await wire.seal({ path: '/transfer', body: 'transfer 100' });
  assert.is((await wire.open(message, await wire.send(message))).status, 200);
  assertSealedProblem(await wire.open(message, await wire.send(message)), 'replayed');
  assert.is(handled, 1);
});

behindNginx(
  'an upstream that is down is a plaintext answer of nginx, not one of the server',
  async (express) => {
    const gone = await listen();
    const server = await startBehind(express, (upstream) => ({
      server: `location / { proxy_pass ${upstream}; } location /down { proxy_pass ${gone.origin}; }`,
    }));
    await gone.close();
    assert.is((await clientOf(server)('/up')).status, 200);
    const error = await thrown(clientOf(server)('/down'), 'plaintext-answer');
    assert.match(error.message, 'Status 502.');
  },
);

test.run();
