// The sealing gateway: a plain HTTP client gets of it what it would get of the same application in plain.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import corsKoa from '@koa/cors';
import cors from 'cors';
import helmet from 'helmet';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { assertSame, onGateways } from './support/gateways.ts';
import { ask } from './support/plain-client.ts';
import type { StackApp } from './support/stacks.ts';

function answering(answer: (res: ServerResponse, req: IncomingMessage) => void): StackApp {
  return {
    listener(req, res) {
      answer(res, req);
      if (!res.writableEnded) res.end();
    },
  };
}

const statuses = [
  200, 201, 202, 203, 204, 205, 206, 207, 226, 299, 300, 304, 400, 401, 402, 403, 404, 405, 406, 407, 409,
];
const rare = [
  410, 412, 413, 416, 418, 421, 422, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 511, 599,
];

onGateways(
  'every status arrives with its fields and its body',
  answering((res, req) => {
    res.statusCode = Number(req.url?.slice(1));
    res
      .setHeader('content-type', 'text/plain')
      .setHeader('www-authenticate', 'Basic realm="a"')
      .setHeader('allow', 'GET');
    res.end('a body');
  }),
  async (twins) => {
    for (const status of [...statuses, ...rare]) {
      const { status: seen } = await assertSame(twins, `/${status}`);
      assert.is(seen, status);
    }
  },
);

onGateways(
  'every field of a response arrives, as often and as exact as it was set',
  answering((res) => {
    res.setHeader('set-cookie', ['a=b; Path=/; HttpOnly', 'c=d, e; SameSite=Lax', 'f=']);
    res.setHeader('x-twice', ['a', 'b']).setHeader('x-empty', '').setHeader('x-latin1', 'caf\xe9');
    res
      .setHeader('vary', 'Accept, Origin')
      .setHeader('cache-control', 'public, max-age=60')
      .setHeader('etag', 'W/"a"');
    res
      .setHeader('link', ['</a>; rel=preload', '</b>; rel=next'])
      .setHeader('server', 'mine')
      .setHeader('x-powered-by', 'tea');
    res
      .setHeader('content-disposition', "attachment; filename*=UTF-8''%e2%82%ac")
      .setHeader('retry-after', '3');
    res.sendDate = false;
    // Before a string Node encodes the head as UTF-8.
    res.end(Buffer.from('short'));
  }),
  async (twins) => {
    const { headers } = await assertSame(twins, '/');
    assert.is(headers.filter((header) => header.startsWith('set-cookie')).length, 3);
    assert.not(headers.some((header) => header.startsWith('date')));
  },
);

onGateways(
  'the fields of helmet and cors arrive',
  {
    express(app) {
      app.use(helmet(), cors({ origin: 'http://page.test', credentials: true, exposedHeaders: ['x-a'] }));
      app.use((_req, res) => {
        res.json({ a: 1 });
      });
    },
    koa(app) {
      app.use(corsKoa({ origin: 'http://page.test', credentials: true, exposeHeaders: ['x-a'] }));
      app.use((ctx) => {
        ctx.set({ 'strict-transport-security': 'max-age=1', 'x-frame-options': 'DENY' });
        ctx.body = { a: 1 };
      });
    },
  },
  async (twins) => {
    const { headers } = await assertSame(twins, '/', { headers: { origin: 'http://page.test' } });
    assert.ok(headers.some((header) => header.startsWith('strict-transport-security')));
    assert.ok(headers.some((header) => header.startsWith('access-control-allow-origin')));
  },
);

const file = pattern(100_000);
const files: StackApp = {
  express(app) {
    app.get('/redirect', (_req, res) => res.redirect(303, '/file'));
    app.get('/json', (_req, res) => {
      res.json({ a: 'b' });
    });
    app.get('/ranges', (_req, res) => {
      res
        .set('accept-ranges', 'bytes')
        .set('content-range', 'bytes 5-9/100000')
        .status(206)
        .end(file.subarray(5, 10));
    });
  },
  koa(app) {
    app.use((ctx) => {
      if (ctx.path === '/redirect') {
        ctx.redirect('/file');
        ctx.status = 303;
      } else if (ctx.path === '/json') {
        ctx.body = { a: 'b' };
        ctx.set('etag', '"json"');
        if (ctx.fresh) ctx.status = 304;
      } else if (ctx.path === '/ranges') {
        ctx.set('accept-ranges', 'bytes');
        ctx.set('content-range', 'bytes 5-9/100000');
        ctx.status = 206;
        ctx.body = file.subarray(5, 10);
      }
    });
  },
};

onGateways(
  'redirects are not followed, ranges and 304 arrive, what is not there is a 404',
  files,
  async (twins) => {
    const { status, headers } = await assertSame(twins, '/redirect');
    assert.is(status, 303);
    assert.ok(headers.includes('location: /file'));
    assert.is((await assertSame(twins, '/ranges', { headers: { range: 'bytes=5-9' } })).body.length, 5);
    const etag = (await ask(twins.gateway.origin, '/json')).headers.find(
      ([name]) => name === 'etag',
    )?.[1] as string;
    const fresh = await assertSame(twins, '/json', { headers: { 'if-none-match': etag } });
    assert.is(fresh.status, 304);
    await assertSame(twins, '/nowhere');
  },
);

onGateways(
  'a redirect to the server by its name leads back to the gateway, and one to elsewhere where it says',
  answering((res, req) => {
    const { host } = req.headers;
    const locations = {
      '/away': 'https://away.test/a',
      '/own': `http://${host}/b?c#d`,
      '/same': `//${host}/b?c#d`,
    };
    res.writeHead(302, { location: locations[req.url as keyof typeof locations] }).end();
  }),
  async (twins) => {
    for (const path of ['/own', '/same']) {
      const { headers } = await ask(twins.gateway.origin, path);
      assert.is(Object.fromEntries(headers).location, `${twins.gateway.origin}/b?c#d`, path);
    }
    await assertSame(twins, '/own');
    await assertSame(twins, '/away');
  },
);

onGateways(
  'content codings pass untouched',
  answering((res, req) => {
    const coding = req.url?.slice(1) as string;
    const encoded =
      coding === 'br' ? brotliCompressSync('text') : coding === 'gzip' ? gzipSync('text') : 'text';
    res.setHeader('content-encoding', coding).end(encoded);
  }),
  async (twins) => {
    for (const coding of ['br', 'gzip', 'a-coding-of-mine'])
      await assertSame(twins, `/${coding}`, { headers: { 'accept-encoding': coding } });
  },
);

onGateways(
  'trailers of a response reach the client',
  answering((res) => {
    res.setHeader('trailer', 'x-sum').write('a body');
    res.addTrailers({ 'x-sum': 'abc', 'server-timing': 'a;dur=1' });
  }),
  async (twins) => {
    const { trailers } = await assertSame(twins, '/');
    assert.equal(trailers, { 'x-sum': 'abc', 'server-timing': 'a;dur=1' });
  },
);

test.run();
