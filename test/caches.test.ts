// Caches on the way: what is sealed is for one client and never kept; what caching does, it does inside.
import { fileURLToPath } from 'node:url';
import { MemorySessionStore, messageType } from '@sealwire/core';
import { allowPlaintext } from '@sealwire/express';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { behindNginx, startBehindNginx } from './support/behind-nginx.ts';
import { type Express, onExpress } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { thrown } from './support/problems.ts';
import { startSealed } from './support/servers.ts';
import { storeWith } from './support/stores.ts';
import { WireClient, type WireRequest } from './support/wire-client.ts';
import { fieldOf } from './support/wire-message.ts';

function routes(app: Application): void {
  let count = 0;
  app.use((_req, res, next) => {
    // An application that wants to be cached: everything it says of that is said inside.
    res.set({
      'cache-control': 'public, max-age=600',
      expires: new Date(Date.now() + 600_000).toUTCString(),
    });
    next();
  });
  app.get('/public', allowPlaintext(), (_req, res) => void res.json(++count));
  app.all('/me', (req, res) => void res.send(`for ${req.get('authorization')}`));
  app.get('/page', (_req, res) => void res.send('0123456789'));
  app.get('/file', (_req, res) => res.sendFile(fileURLToPath(import.meta.url)));
  app.get('/moved', (_req, res) => res.redirect('/page'));
  app.get('/empty', (_req, res) => void res.status(204).end());
  app.get('/streamed', (_req, res) => {
    res.write('one ');
    res.end('two');
  });
  app.get('/varies', (_req, res) => void res.vary('Accept').send('varies'));
  app.get('/varies-by-all', (_req, res) => void res.vary('*').send('varies'));
  app.get('/broken', () => {
    throw new Error('broken');
  });
}

const startBehindCache = (express: Express, settings: string) =>
  startBehindNginx(express, routes, (upstream, folder) => ({
    http: `proxy_cache_path ${folder}/cache keys_zone=all:1m;`,
    server: `
      proxy_cache all;
      proxy_cache_key $uri;
      proxy_cache_methods GET HEAD POST;
      proxy_cache_valid any 10m;
      proxy_cache_use_stale error timeout http_500 http_503 http_404;
      add_header X-Cache $upstream_cache_status always;
      location / { ${settings} proxy_pass ${upstream}; }
      location /.well-known/ { proxy_pass ${upstream}; }`,
  }));

const as = (name: string) => ({ headers: { authorization: name } });

behindNginx('a caching nginx serves no sealed response to another client', async (express) => {
  const server = await startBehindCache(express, '');
  const cached = async () => (await fetch(`${server.origin}/public`)).headers.get('x-cache');
  // This cache does keep what it may.
  assert.equal([await cached(), await cached()], ['MISS', 'HIT']);
  const [alice, bob] = [clientOf(server), clientOf(server)];
  for (let i = 0; i < 2; i++) {
    for (const [client, name] of [
      [alice, 'alice'],
      [bob, 'bob'],
    ] as const) {
      for (const init of [{}, { method: 'POST', body: 'a body' }]) {
        const answer = await client('/me', { ...init, ...as(name) });
        assert.is(await answer.text(), `for ${name}`);
        assert.is(answer.headers.get('cache-control'), 'public, max-age=600');
        assert.is(answer.sealed.outer.get('x-cache'), 'MISS');
      }
      for (const [path, status] of [
        ['/page', 200],
        ['/streamed', 200],
        ['/empty', 204],
        ['/missing', 404],
        ['/broken', 500],
      ] as const) {
        const answer = await client(path);
        assert.equal([answer.status, answer.sealed.outer.get('x-cache')], [status, 'MISS'], path);
      }
      assert.is(await (await client('/moved')).text(), '0123456789');
    }
  }
  // Nor does what was said in plaintext come back to a client that asks for the same sealed, or the other way.
  assert.equal([await cached(), await (await alice('/public')).json()], ['HIT', 2]);
  assert.is(await cached(), 'HIT');
  const refused = () => fetch(`${server.origin}/me`);
  assert.equal([(await refused()).status, (await refused()).headers.get('x-cache')], [400, 'MISS']);
  assert.is(await (await bob('/me', as('bob'))).text(), 'for bob');
});

behindNginx(
  'a cache that is told to keep everything breaks calls, and shows nobody anything',
  async (express) => {
    const varying = await startBehindCache(express, 'proxy_ignore_headers Cache-Control Expires;');
    const everything = await startBehindCache(express, 'proxy_ignore_headers Cache-Control Expires Vary;');
    for (const name of ['alice', 'bob']) {
      const answer = await clientOf(varying)('/me', as(name));
      assert.is(await answer.text(), `for ${name}`);
    }
    assert.is(await (await clientOf(everything)('/me', as('alice'))).text(), 'for alice');
    await thrown(clientOf(everything)('/me', as('bob')), 'rejected');
  },
);

behindNginx('ETag, If-None-Match and ranges work inside, through a cache', async (express) => {
  const server = await startBehindCache(express, '');
  const sealedFetch = clientOf(server);
  const etag = (await sealedFetch('/page')).headers.get('etag') as string;
  const again = await sealedFetch('/page', { headers: { 'if-none-match': etag } });
  assert.equal([again.status, again.sealed.status, await again.text()], [304, 200, '']);
  assert.is((await sealedFetch('/page', { headers: { 'if-none-match': '"other"' } })).status, 200);
  const part = await sealedFetch('/file', { headers: { range: 'bytes=3-9' } });
  assert.equal([part.status, part.sealed.status, await part.text()], [206, 200, 'Caches ']);
  assert.match(part.headers.get('content-range') as string, 'bytes 3-9/');
  assert.is(part.sealed.outer.get('etag'), null);
  assert.is(part.sealed.outer.get('content-range'), null);
});

onExpress('everything sealed says no-store, no-transform, and varies by the header', async (express) => {
  const memory = new MemorySessionStore();
  let down = false;
  const accept = (...args: Parameters<typeof memory.accept>) => {
    if (down) throw new Error('down');
    return memory.accept(...args);
  };
  const server = await startSealed(express, routes, { store: storeWith(memory, { accept }) });
  const wire = await WireClient.connect(server);

  async function assertUncached(name: string, request: WireRequest, status: number): Promise<void> {
    const message = await wire.seal(request);
    for (const replayed of [false, true]) {
      const response = await wire.send(message);
      const { headers } = response;
      assert.is(headers['content-type'], messageType, name);
      assert.is(headers['cache-control'], 'no-store, no-transform', name);
      assert.match(headers['vary'] as string, /(?:^|, )(?:Sealwire|\*)$/, name);
      for (const field of ['etag', 'last-modified', 'expires', 'location', 'age', 'content-range'])
        assert.is(headers[field], undefined, `${field} of ${name}`);
      const opened = await wire.open(message, response);
      assert.is(opened.status, replayed && !down ? 409 : status, name);
      if (status < 400 && !replayed) assert.is(fieldOf(opened, 'cache-control'), 'public, max-age=600', name);
    }
  }

  await assertUncached('a page', { path: '/page' }, 200);
  await assertUncached('HEAD', { path: '/page', method: 'HEAD' }, 200);
  await assertUncached('a POST', { path: '/me', body: 'b' }, 200);
  await assertUncached('a stream', { path: '/streamed' }, 200);
  await assertUncached('204', { path: '/empty' }, 204);
  await assertUncached('a redirect', { path: '/moved' }, 302);
  await assertUncached('a Vary of its own', { path: '/varies' }, 200);
  await assertUncached('Vary: *', { path: '/varies-by-all' }, 200);
  await assertUncached('404', { path: '/missing' }, 404);
  await assertUncached('500', { path: '/broken' }, 500);
  const etag = fieldOf(await wire.exchange({ path: '/page' }), 'etag') as string;
  await assertUncached('304', { path: '/page', fields: [['if-none-match', etag]] }, 304);
  await assertUncached('a problem', { path: '/page', fields: [['x-unlisted', '1']] }, 400);
  await assertUncached('a late one', { path: '/page', time: 0 }, 400);
  down = true;
  await assertUncached('a store that is down', { path: '/page' }, 503);
});

test.run();
