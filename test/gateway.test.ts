// The sealing gateway: a handler behind it sees what it would see of a plain HTTP client in plain.
import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { assertSame, ofConnection, onGateways } from './support/gateways.ts';
import { type Asked, ask } from './support/plain-client.ts';

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

onGateways('a handler sees every method, with a body and without', { listener: echo }, async (twins) => {
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'M-SEARCH', 'QUERY'];
  for (const method of methods) {
    await assertSame(twins, '/a/b?c=d&c=e', { method });
    await assertSame(twins, '/', { method, body: 'a=1', headers: { 'content-length': 3, 'x-a': 'b' } });
    await assertSame(twins, '/', { method, body: ['a', '=1'], headers: { 'transfer-encoding': 'chunked' } });
  }
});

onGateways('what browsers add by themselves goes along', { listener: echo }, async (twins) => {
  const added = {
    'upgrade-insecure-requests': '1',
    priority: 'u=0, i',
    'save-data': 'on',
    purpose: 'prefetch',
  };
  const answer = await assertSame(twins, '/', { method: 'GET', headers: added });
  assert.is(answer.status, 200);
  for (const name of Object.keys(added)) assert.match(answer.body, `"${name}"`);
});

onGateways('HEAD is answered with the head alone', { listener: echo }, async (twins) => {
  const head = await assertSame(twins, '/a', { method: 'HEAD' });
  assert.is(head.body, '');
});

onGateways(
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

onGateways('a handler sees every field as it was sent', { listener: echo }, async (twins) => {
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

onGateways(
  'what a handler sees of the target is what a URL says of it',
  { listener: echo },
  async (twins) => {
    for (const path of ['/%C3%A4/%2F%20?a=%26&b', '/a;b=c/~d|e', '/a//b', "/(a)'b'*!$&+,=:@"])
      await assertSame(twins, path);
  },
);

onGateways('trailers of a request reach the handler', { listener: echo }, async (twins) => {
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

onGateways(
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
