// Middleware that Koa apps have around Sealwire: it works as in plain.
import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { MemorySessionStore, messageType, randomBytes } from '@sealwire/core';
import type { Context } from 'koa';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from '../../../test/support/bytes.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import {
  bodyParser,
  compress,
  cors,
  type Koa,
  onKoa,
  session,
  startKoa,
  startKoaTwins,
} from '../../../test/support/koa.ts';

const text = 'a line that repeats itself\n'.repeat(1000);

for (const [where, mounted] of [
  ['before', { before: (app: Koa) => void app.use(compress()) }],
  ['after', { after: (app: Koa) => void app.use(compress()) }],
] as const) {
  onKoa(`koa-compress mounted ${where} compresses what is sealed`, async (Koa) => {
    const before = 'before' in mounted ? { before: mounted.before } : {};
    const twins = await startKoaTwins(
      Koa,
      (app) => {
        if ('after' in mounted) mounted.after(app);
        app.use((ctx) => {
          ctx.type = 'text';
          ctx.body = ctx.path === '/stream' ? Readable.from([text, text]) : text;
        });
      },
      before,
    );
    for (const path of ['/text', '/stream']) {
      const { plain, sealed } = await twins.ask(path, () => ({ headers: { 'accept-encoding': 'gzip' } }));
      assert.equal(sealed, plain, path);
      assert.ok(sealed.body.includes(text));
    }
    const network = recordingFetch();
    const response = await clientOf(twins.servers.sealed, { fetch: network })('/text');
    await response.text();
    const onTheWire = network.exchanges[0]?.received.reduce((sum, { length }) => sum + length, 0) as number;
    assert.ok(onTheWire < text.length / 10, `${onTheWire} bytes`);
    assert.is(response.sealed.outer.get('content-encoding'), null);
  });
}

onKoa('@koa/cors before it answers preflights, and a page can read how to recover', async (Koa) => {
  const store = new MemorySessionStore();
  const origin = 'https://app.example';
  let sid = '';
  const server = await startKoa(
    Koa,
    (app) => {
      app.use((ctx) => {
        sid = ctx.sealed?.sid as string;
        if (ctx.path === '/throws') ctx.throw(403, 'no');
        ctx.body = 'yes';
      });
    },
    { before: (app) => void app.use(cors({ origin, credentials: true, keepHeadersOnError: true })), store },
  );
  const preflight = await fetch(server.origin, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'sealwire',
    },
  });
  assert.is(preflight.status, 204);
  assert.is(preflight.headers.get('access-control-allow-headers'), 'sealwire');

  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  const headers = { origin };
  assert.is(await (await sealedFetch('/', { headers })).text(), 'yes');
  const refused = await sealedFetch('/throws', { headers });
  assert.equal([refused.status, await refused.text()], [403, 'no']);
  for (const { responseHeaders } of network.seen)
    assert.is(responseHeaders?.get('access-control-allow-origin'), origin);

  await store.end(sid, Date.now());
  assert.is(await (await sealedFetch('/', { headers })).text(), 'yes');
  assert.is(network.handshakes, 2);
  const unknown = network.exchanges.find(({ status }) => status !== 200 && status !== 403);
  assert.match(unknown?.responseHeaders?.get('access-control-expose-headers') ?? '', 'Sealwire');
});

for (const where of ['before', 'after'] as const) {
  onKoa(
    `koa-session mounted ${where} keeps a session, and no answer of Sealwire disturbs it`,
    async (Koa) => {
      const errors: unknown[] = [];
      const use = (app: Koa) => {
        app.keys = [Buffer.from(randomBytes(16)).toString('hex')];
        app.on('error', (error) => errors.push(error));
        app.use(session({ rolling: true, renew: true }, app as never) as never);
      };
      const server = await startKoa(
        Koa,
        (app) => {
          if (where === 'after') use(app);
          app.use((ctx) => {
            const kept = (ctx as Context & { session: { views?: number } }).session;
            kept.views = (kept.views ?? 0) + 1;
            ctx.body = String(kept.views);
          });
        },
        where === 'before' ? { before: use } : {},
      );
      const sealedFetch = clientOf(server);
      let cookie = '';
      for (const views of ['1', '2', '3']) {
        const response = await sealedFetch('/', { headers: { cookie } });
        assert.is(await response.text(), views);
        cookie = response.sealed.outer
          .getSetCookie()
          .map((each) => each.split(';')[0])
          .join('; ');
        assert.ok(cookie !== '');
      }
      assert.is((await fetch(server.origin, { headers: { cookie } })).status, 400);
      assert.equal(errors, []);
    },
  );
}

onKoa('koa-bodyparser after it reads what was sealed, and refuses what it refuses in plain', async (Koa) => {
  const twins = await startKoaTwins(Koa, (app) => {
    app.use(bodyParser({ jsonLimit: '1mb' }) as never);
    app.use((ctx) => {
      const { body, rawBody } = ctx.request as { body?: unknown; rawBody?: string };
      ctx.body = { body, raw: rawBody?.length ?? null };
    });
  });
  const json = { 'content-type': 'application/json' };
  const bodies: RequestInit[] = [
    { body: '{"a":[1,"ü"]}', headers: json },
    { body: JSON.stringify({ long: 'x'.repeat(500_000) }), headers: json },
    { body: JSON.stringify({ long: 'x'.repeat(2_000_000) }), headers: json },
    { body: '{"a":', headers: json },
    { body: '', headers: json },
    { body: new URLSearchParams({ a: '1', 'b[c]': 'ü' }) },
    { body: pattern(1000), headers: { 'content-type': 'application/octet-stream' } },
    {},
  ];
  for (const [index, init] of bodies.entries()) {
    const { plain, sealed } = await twins.ask('/', () => ({ method: 'POST', ...init }));
    assert.equal(sealed, plain, `body ${index}`);
  }
});

onKoa('koa-bodyparser before it is a configuration error with its remedy', async (Koa) => {
  const errors: { code?: string; message: string }[] = [];
  const server = await startKoa(Koa, () => {}, {
    before(app) {
      app.on('error', (error) => errors.push(error));
      app.use(bodyParser({ enableTypes: ['text'], extendTypes: { text: [messageType] } }) as never);
    },
  });
  const response = await clientOf(server)('/', { method: 'POST', body: 'x' }).catch(() => undefined);
  assert.is(response, undefined);
  assert.is(errors[0]?.code, 'parser-before-sealwire');
});

onKoa('what middleware keeps for a request in AsyncLocalStorage is there behind it', async (Koa) => {
  const storage = new AsyncLocalStorage<string>();
  const server = await startKoa(
    Koa,
    (app) => {
      app.use((ctx) => {
        ctx.body = storage.getStore();
      });
    },
    { before: (app) => void app.use((ctx, next) => storage.run(`for ${ctx.path}`, next)) },
  );
  const sealedFetch = clientOf(server);
  const calls = [{}, { method: 'POST', body: 'x' }, { method: 'POST', body: pattern(200_000) }];
  const answers = calls.map(async (init, index) => (await sealedFetch(`/${index}`, init)).text());
  assert.equal(await Promise.all(answers), ['for /0', 'for /1', 'for /2']);
});

test.run();
