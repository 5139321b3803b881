// What a handler sees of a request: the sealed one, whatever earlier middleware has asked Koa about the outer one.
import { configurationPath, decodeBase64Url, fromUtf8 } from '@sealwire/core';
import { isSealwireError, type SealwireOptions, sealwire } from '@sealwire/koa';
import type { Context } from 'koa';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { bodyParser, type Koa, onKoa, startKoa, startKoaTwins } from '../../../test/support/koa.ts';
import { RawConnection } from '../../../test/support/raw-http.ts';
import { keys } from '../../../test/support/servers.ts';
import { WireClient } from '../../../test/support/wire-client.ts';

it('an option that is not valid is refused by name', () => {
  for (const [options, said] of [
    [{ keys, policy: 'deny' }, 'policy'],
    [{ keys, origin: 'https://api.example.com' }, 'Did you mean `origins`?'],
    ['keys', 'object'],
  ] as [SealwireOptions, string][]) {
    try {
      sealwire(options);
      assert.unreachable();
    } catch (error) {
      assert.ok(isSealwireError(error, 'invalid-option'), String(error));
      assert.match(error.message, said);
    }
  }
});

onKoa('ctx.sealed tells of the exchange, and of no plaintext', async (Koa) => {
  const seen: Context['sealed'][] = [];
  const server = await startKoa(
    Koa,
    (app) => {
      app.use((ctx) => {
        seen.push(ctx.sealed);
        ctx.body = 'seen';
      });
    },
    { policy: 'allow', fields: ['x-tenant'] },
  );
  const wire = await WireClient.connect(server);
  await wire.exchange();
  await wire.exchange({ body: 'x' });
  const [first, second] = seen.splice(0);
  const { client, kid, suite, sid } = first as NonNullable<Context['sealed']>;
  const { payload } = (await (await fetch(server.origin + configurationPath)).json()) as { payload: string };
  assert.equal(JSON.parse(fromUtf8(decodeBase64Url(payload))).fields, ['x-tenant']);
  assert.equal([sid, client, suite], [wire.sid, undefined, 'X25519']);
  assert.ok(kid.length > 0);
  assert.equal([first?.n, second?.n], [0, 1]);
  assert.is(await (await fetch(server.origin)).text(), 'seen');
  assert.equal(seen, [undefined]);
});

/** Everything that Koa tells of a request. */
function told(ctx: Context): unknown {
  const { method, url, originalUrl, href, path, query, querystring, search, host, hostname } = ctx;
  const { origin, protocol, secure, ip, ips, subdomains, type, length, charset } = ctx.request;
  return {
    ...{ method, url, originalUrl, href, path, query, querystring, search, host, hostname },
    ...{ protocol, secure, ip, ips, subdomains, type, length, charset, origin: origin ?? null },
    URL: ctx.URL.href,
    accepts: [ctx.accepts(), ctx.accepts('html', 'json')],
    encodings: ctx.acceptsEncodings(),
    languages: ctx.acceptsLanguages(),
    charsets: ctx.acceptsCharsets(),
    is: ctx.is('json', 'urlencoded'),
  };
}

function tellAll(app: Koa): void {
  app.use((ctx) => {
    ctx.body = told(ctx);
  });
}

/** Middleware that makes Koa remember. */
function asking(app: Koa): void {
  app.use((ctx, next) => {
    told(ctx);
    return next();
  });
}

onKoa(
  'Koa tells of a sealed request what it tells of a plain one, also if it was asked before',
  async (Koa) => {
    const twins = await startKoaTwins(Koa, tellAll, { before: asking });
    const { origin } = twins.servers.sealed;
    const requests: [string, RequestInit][] = [
      ['/a/b?c=1&c=2&d=%20', { headers: { accept: 'application/json', 'accept-language': 'de, en;q=0.5' } }],
      [
        '/',
        { method: 'PUT', body: '{"a":1}', headers: { 'content-type': 'application/json; charset=utf-8' } },
      ],
      ['/form', { method: 'POST', body: new URLSearchParams({ a: 'b' }), headers: { accept: 'text/html' } }],
    ];
    for (const [path, init] of requests) {
      const { plain, sealed } = await twins.ask(path, () => init);
      const ofPlain = plain.body.replaceAll(twins.servers.plain.origin.slice(7), origin.slice(7));
      assert.equal(JSON.parse(sealed.body), JSON.parse(ofPlain), path);
    }
  },
);

onKoa('nothing of what the path says of a request is left once it was opened', async (Koa) => {
  const server = await startKoa(
    Koa,
    (app) => {
      app.proxy = true;
      tellAll(app);
    },
    { before: asking },
  );
  const wire = await WireClient.connect(server);
  const message = await wire.seal({
    path: '/%7Eme?a=%7E1',
    fields: [
      ['accept', 'text/html'],
      ['accept-language', 'de'],
    ],
  });
  const answer = await wire.send(
    { ...message, path: '/x/../~me?a=~1' },
    {
      headers: [
        ['Accept', 'application/json'],
        ['Accept-Language', 'fr'],
        ['X-Forwarded-Host', 'evil.example'],
        ['X-Forwarded-Proto', 'https'],
        ['X-Forwarded-For', '192.0.2.7'],
      ],
    },
  );
  const seen = JSON.parse((await wire.open(message, answer)).body.toString());
  const { host } = new URL(server.origin);
  assert.is(seen.href, `http://${host}/%7Eme?a=%7E1`);
  assert.is(seen.URL, seen.href);
  assert.equal([seen.url, seen.originalUrl, seen.path], ['/%7Eme?a=%7E1', '/%7Eme?a=%7E1', '/%7Eme']);
  assert.equal(seen.query, { a: '~1' });
  assert.equal([seen.host, seen.protocol, seen.secure], [host, 'http', false]);
  assert.equal(seen.accepts, [['text/html'], 'html']);
  assert.equal(seen.languages, ['de']);
  // Of the connection the path knows best.
  assert.equal([seen.ip, seen.ips], ['192.0.2.7', ['192.0.2.7']]);
});

onKoa('an upload that is broken off ends the wait of every reader', async (Koa) => {
  const ended: Promise<string>[] = [];
  const started: (() => void)[] = [];
  const readers: Record<string, (ctx: Context) => Promise<unknown>> = {
    '/event': (ctx) => new Promise((_, reject) => ctx.req.on('aborted', () => reject(new Error('aborted')))),
    '/iterated': async (ctx) => {
      for await (const chunk of ctx.req) void chunk;
    },
    '/parsed': (ctx) => bodyParser()(ctx as never, async () => {}),
  };
  const server = await startKoa(Koa, (app) => {
    app.use((ctx) => {
      const reading = readers[ctx.path]?.(ctx) as Promise<unknown>;
      const end = reading.then(
        () => 'whole',
        (error: Error) => error.message,
      );
      ended.push(end);
      started.shift()?.();
      return end;
    });
  });
  const wire = await WireClient.connect(server);
  for (const path of Object.keys(readers)) {
    // Before and after the handler is let in, which is after 100 ms.
    for (const early of [true, false]) {
      const running = new Promise<void>((resolve) => started.push(resolve));
      const connection = await RawConnection.open(server.port);
      const fields = [['content-type', 'application/json'] as const, ['content-length', '3000'] as const];
      const message = await wire.seal({
        method: 'POST',
        path,
        fields,
        body: `"${'x'.repeat(2998)}"`,
        shares: [1000],
      });
      await wire.sendHead(message, { connection });
      await connection.write(message.message.subarray(0, 2000));
      if (!early) await running;
      connection.socket.destroy();
      await running;
      const end = (await ended.pop()) as string;
      assert.match(end, /abort|not readable/, `${end}: ${path} ${early ? 'early' : 'late'}`);
    }
  }
});

test.run();
