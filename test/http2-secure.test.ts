// One port that speaks HTTP/2 and HTTP/1.1 behind TLS, as `http2.createSecureServer({ allowHTTP1: true })` makes it.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { problemType } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { Arrivals, within } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { Http2Client } from './support/http2-client.ts';
import { downloadSize } from './support/secure-app.ts';
import { onBoth, onEach } from './support/secure-cases.ts';
import { fetchTrusting } from './support/secure-server.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

onBoth(
  'the application sees the sealed target and the protocol of the connection',
  async ({ ask, server, version }) => {
    const { status, body } = await ask({ path: '/about?a=1' });
    const host = new URL(server.origin).host;
    assert.is(status, 200);
    assert.equal(JSON.parse(body.toString()), ['GET', '/about?a=1', 'https', host, version, true]);
  },
);

onBoth('JSON goes in and comes out', async ({ ask }) => {
  const { status, body } = await ask({ path: '/json', body: Buffer.from('{"item":"tea"}') });
  assert.equal([status, JSON.parse(body.toString())], [201, { got: { item: 'tea' } }]);
});

onBoth(
  'bodies of some megabytes go up and down, two at a time on one connection',
  async ({ ask, server, version }) => {
    const bodies = [pattern(downloadSize), pattern(downloadSize + 1)];
    const before = server.connections;
    const answers = await Promise.all([
      ...bodies.map((body) => ask({ path: '/upload', body })),
      ask({ path: '/download' }),
      ask({ path: '/download' }),
    ]);
    assert.equal(
      answers.slice(0, 2).map(({ body }) => body.toString()),
      bodies.map(sha256),
    );
    for (const { body } of answers.slice(2)) assert.ok(body.equals(pattern(downloadSize)));
    if (version === '2.0') assert.is(server.connections, before);
  },
);

onBoth('HEAD, 204, errors and a path that is not there', async ({ ask }) => {
  for (const [method, path, status, content] of [
    ['HEAD', '/about', 200, /^$/],
    ['GET', '/nothing', 204, /^$/],
    ['GET', '/refused', 418, /^not here$/],
    ['GET', '/broken', 500, /^Internal Server Error$/],
    // Over HTTP/2 Koa says the number.
    ['GET', '/none', 404, /^(?:Not Found|404)$/],
  ] as const) {
    const answer = await ask({ method, path });
    assert.is(answer.status, status, path);
    assert.match(answer.body.toString(), content);
  }
});

onEach('authority and scheme are the sealed ones, whatever HTTP/2 says outside', async ({ server }) => {
  const client = await Http2Client.connect(server);
  const forged = { ':authority': 'evil.example', ':scheme': 'http', 'x-forwarded-host': 'evil.example' };
  const { opened } = await client.exchange({ method: 'GET', path: '/about', headers: forged });
  const { host } = new URL(server.origin);
  assert.equal(JSON.parse(opened?.body.toString() ?? ''), ['GET', '/about', 'https', host, '2.0', true]);
});

onEach('trailers go both ways over HTTP/2', async ({ server }) => {
  const client = await Http2Client.connect(server);
  const { opened } = await client.exchange({
    path: '/trailers',
    body: pattern(downloadSize),
    trailers: [['x-sum', '42']],
    outerTrailers: { 'x-sum': 'forged' },
  });
  assert.equal([opened?.body.toString(), opened?.trailers], ['body', [['x-sum', '42']]]);
});

onEach(
  'every event of a feed arrives before the next is written, over both protocols',
  async ({ app, server }) => {
    const sealedFetch = clientOf(server, { fetch: fetchTrusting(server.ca) });
    const answer = sealedFetch('/feed');
    const first = await app.feeds.next('the handler of HTTP/1.1');
    first.flushHeaders();
    const reader = (await within(answer, 'the head')).body?.getReader();
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      first.write(event);
      const read = await within(reader?.read() as Promise<{ value?: Uint8Array }>, event);
      assert.is(Buffer.from(read.value as Uint8Array).toString(), event);
    }
    first.end();
    assert.ok((await reader?.read())?.done);

    const client = await Http2Client.connect(server);
    const { headers, opener } = await client.seal({ method: 'GET', path: '/feed' });
    const stream = client.connection.request(headers);
    const second = await app.feeds.next('the handler of HTTP/2');
    second.flushHeaders();
    const arrived = new Arrivals<Buffer>();
    stream.on('data', (chunk) => opener.push(chunk).then((bytes) => bytes.length && arrived.push(bytes)));
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      second.write(event);
      assert.is((await arrived.next(event)).toString(), event);
    }
    second.end();
    await within(once(stream, 'close'), 'the end of the stream');
    assert.ok(opener.opened.complete);
  },
);

onEach('plaintext is refused over both protocols', async ({ server }) => {
  const fetchPlain = fetchTrusting(server.ca);
  const client = await Http2Client.connect(server);
  for (const body of [undefined, pattern(100_000)]) {
    const method = body ? 'POST' : 'GET';
    const one = await fetchPlain(`${server.origin}/upload`, { method, ...(body && { body }) });
    const problem = JSON.parse(await one.text());
    assert.equal([one.status, one.headers.get('content-type')], [problem.status, problemType]);
    assert.is(one.headers.get('sealwire'), 'sealed-required');
    const two = await client.send({ ':method': method, ':path': '/upload' }, body && [body]);
    assert.equal([two.headers[':status'], two.headers['sealwire']], [one.status, 'sealed-required']);
    assert.equal(JSON.parse(two.body.toString()), problem);
  }
});

test.run();
