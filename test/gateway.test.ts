// The sealing gateway: a plain HTTP client gets of it what it would get of the same application in plain.
import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import corsKoa from '@koa/cors';
import cors from 'cors';
import helmet from 'helmet';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { it } from './support/cases.ts';
import { type GatewayTwins, gatewayStacks, startGatewayTwins } from './support/gateways.ts';
import { type Answered, type Asked, ask } from './support/plain-client.ts';
import type { StackApp } from './support/stacks.ts';

/** Fields of one connection: a gateway has two. */
const ofConnection = new Set(['connection', 'keep-alive', 'te', 'trailer', 'expect']);
const allowed = ['x-*'];

/** Says all that it was asked. */
const echo: RequestListener = async (req, res) => {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    hash.update(chunk);
    length += chunk.length;
  }
  const { method, url, trailers } = req;
  const headers = Object.entries(req.headersDistinct).filter(([name]) => !ofConnection.has(name));
  const body = { length, hash: hash.digest('hex') };
  const seen = { method, url, headers: headers.sort(), body, trailers };
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify(seen));
};

function answering(answer: (res: ServerResponse, req: IncomingMessage) => void): StackApp {
  return {
    listener(req, res) {
      answer(res, req);
      if (!res.writableEnded) res.end();
    },
  };
}

/** An answer in which nothing tells the servers apart but what they say. */
function comparable({ status, headers, trailers, body }: Answered, ...ports: number[]) {
  const neutral = (text: string) =>
    ports.reduce((result, port) => result.replaceAll(`127.0.0.1:${port}`, 'HOST'), text);
  return {
    status,
    headers: headers
      .filter(([name]) => !ofConnection.has(name))
      .map(([name, value]) => `${name}: ${name === 'date' ? '' : neutral(value)}`),
    trailers,
    body: neutral(body.toString('latin1')),
  };
}

async function assertSame(twins: GatewayTwins, path: string, asked?: Asked) {
  const { plain, sealed, gateway } = twins;
  const [direct, through] = [await ask(plain.origin, path, asked), await ask(gateway.origin, path, asked)];
  const expected = comparable(direct, plain.port);
  assert.equal(comparable(through, gateway.port, sealed.port), expected, `${asked?.method} ${path}`);
  return expected;
}

/** Registers a test of one application for every framework. */
function onStacks(name: string, app: StackApp, run: (twins: GatewayTwins) => unknown): void {
  for (const stack of gatewayStacks) {
    it(`${name} (${stack.name})`, async () =>
      run(await startGatewayTwins(stack, app, { outerFields: allowed })));
  }
}

onStacks('a handler sees every method, with a body and without', { listener: echo }, async (twins) => {
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'M-SEARCH', 'QUERY'];
  for (const method of methods) {
    await assertSame(twins, '/a/b?c=d&c=e', { method });
    await assertSame(twins, '/', { method, body: 'a=1', headers: { 'content-length': 3, 'x-a': 'b' } });
    await assertSame(twins, '/', { method, body: ['a', '=1'], headers: { 'transfer-encoding': 'chunked' } });
  }
});

onStacks('HEAD is answered with the head alone', { listener: echo }, async (twins) => {
  const head = await assertSame(twins, '/a', { method: 'HEAD' });
  assert.is(head.body, '');
});

onStacks(
  'a handler sees bodies of every size, framed as the client framed them',
  { listener: echo },
  async (twins) => {
    for (const size of [0, 1, 65_535, 65_536, 65_537, 1_000_000]) {
      const body = pattern(size);
      await assertSame(twins, '/', { method: 'POST', body, headers: { 'content-length': size } });
      if (size > 0)
        await assertSame(twins, '/', {
          method: 'POST',
          body: [body],
          headers: { 'transfer-encoding': 'chunked' },
        });
    }
  },
);

onStacks('a handler sees every field as it was sent', { listener: echo }, async (twins) => {
  const each: Asked['headers'][] = [
    { authorization: 'Basic YTpi', cookie: 'a=b; c=d', 'user-agent': 'curl/8', referer: 'http://a.test/' },
    { 'x-empty': '', 'x-latin1': 'caf\xe9', 'x-blank': 'a  b\tc', 'x-quoted': '"a, b"' },
    {
      accept: 'a/b',
      'accept-language': 'de;q=0.5, *',
      'accept-encoding': 'br, zstd, gzip',
      'cache-control': 'no-cache',
    },
    {
      'if-none-match': '"a", W/"b"',
      'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT',
      origin: 'http://b.test',
    },
    { 'content-type': 'text/plain; charset="utf-8"', 'content-encoding': 'gzip', 'content-language': 'de' },
    { 'sec-fetch-site': 'none', pragma: 'no-cache', prefer: 'return=minimal' },
  ];
  for (const headers of each) await assertSame(twins, '/', { method: 'POST', body: 'a', headers });
});

onStacks('what a handler sees of the target is what a URL says of it', { listener: echo }, async (twins) => {
  for (const path of ['/%C3%A4/%2F%20?a=%26&b', '/a;b=c/~d|e', '/a//b', "/(a)'b'*!$&+,=:@"])
    await assertSame(twins, path);
});

const statuses = [
  200, 201, 202, 203, 204, 205, 206, 207, 226, 299, 300, 304, 400, 401, 402, 403, 404, 405, 406, 407, 409,
];
const rare = [
  410, 412, 413, 416, 418, 421, 422, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 511, 599,
];

onStacks(
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

onStacks(
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
    res.end('short');
  }),
  async (twins) => {
    const { headers } = await assertSame(twins, '/');
    assert.is(headers.filter((header) => header.startsWith('set-cookie')).length, 3);
    assert.not(headers.some((header) => header.startsWith('date')));
  },
);

onStacks(
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

onStacks(
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

onStacks(
  'a redirect to the server by its name leads back to the gateway, and one to elsewhere where it says',
  answering((res, req) => {
    const elsewhere = req.url === '/away';
    res
      .writeHead(302, { location: elsewhere ? 'https://away.test/a' : `http://${req.headers.host}/b?c#d` })
      .end();
  }),
  async (twins) => {
    const { headers } = await ask(twins.gateway.origin, '/own');
    assert.ok(
      headers.some(([name, value]) => name === 'location' && value === `${twins.gateway.origin}/b?c#d`),
    );
    await assertSame(twins, '/own');
    await assertSame(twins, '/away');
  },
);

onStacks(
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

onStacks('trailers of a request reach the handler', { listener: echo }, async (twins) => {
  const headers = { 'transfer-encoding': 'chunked', trailer: 'x-sum' };
  for (const size of [3, 300_000]) {
    const asked = {
      method: 'POST',
      headers,
      body: [pattern(size)],
      trailers: { 'x-sum': 'abc', 'x-b': 'c' },
    };
    const { body } = await assertSame(twins, '/', asked);
    assert.equal(JSON.parse(body).trailers, { 'x-sum': 'abc', 'x-b': 'c' });
  }
});

onStacks(
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

onStacks(
  'fifty requests at once are answered, each with its own',
  { listener: echo },
  async ({ gateway, sealed }) => {
    const numbers = Array.from({ length: 50 }, (_, index) => index);
    const answers = await Promise.all(
      numbers.map((n) => ask(gateway.origin, `/${n}`, { method: 'POST', body: 'a'.repeat(n + 1) })),
    );
    for (const n of numbers) {
      const seen = JSON.parse(String(answers[n]?.body));
      assert.equal([seen.url, seen.body.length], [`/${n}`, n + 1]);
    }
    assert.ok(sealed.sockets.size > 0);
  },
);

test.run();
