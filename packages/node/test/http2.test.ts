// The compatibility API of node:http2 carries sealed exchanges as HTTP/1 does.
import { once } from 'node:events';
import { MemorySessionStore } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from '../../../test/support/bytes.ts';
import { it, within } from '../../../test/support/cases.ts';
import { type Http2Listener, startHttp2 } from '../../../test/support/http2-server.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { SlowStore } from '../../../test/support/stores.ts';
import { fieldOf, type OpenedResponse } from '../../../test/support/wire-message.ts';

function start(listener: Http2Listener, slow: boolean) {
  const memory = new MemorySessionStore();
  return startHttp2(listener, { store: slow ? new SlowStore(memory) : memory });
}

let handled = 0;

const echo: Http2Listener = (req, res) => {
  handled++;
  res.setHeader(
    'x-seen',
    JSON.stringify([
      req.method,
      req.url,
      req.authority,
      req.headers['content-length'] ?? null,
      req.headers.sealwire ?? null,
    ]),
  );
  req.pipe(res);
};

// The first of all: Node warns once in a process.
it('nothing is printed that a plain server would not print', async () => {
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(warning.message);
  process.on('warning', note);
  afterwards(() => process.off('warning', note));
  const client = await start((req, res) => void req.on('end', () => res.end()).resume(), false);
  assert.is((await client.exchange({ body: pattern(10) })).opened?.status, 200);
  const damaged = (message: Buffer) => flipped(message, 250_000 * 8);
  assert.is((await client.exchange({ body: pattern(300_000) }, damaged)).opened?.status, 400);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(warnings, []);
});

for (const [storeName, slow] of [
  ['that answers at once', false],
  ['that takes its time', true],
] as const) {
  it(`requests with a body of every size, and their answers, with a store ${storeName}`, async () => {
    const client = await start(echo, slow);
    for (const size of [0, 1, 65_535, 65_536, 65_537, 1_000_000]) {
      for (const pieceSize of [1400, 100_000]) {
        const { opened, headers } = await client.exchange(
          { path: '/x?a=1', body: pattern(size) },
          undefined,
          pieceSize,
        );
        assert.is(headers[':status'], 200);
        assert.ok(opened?.complete);
        assert.ok(opened?.body.equals(pattern(size)), `${size} bytes in pieces of ${pieceSize}`);
        const [method, url, authority, length] = JSON.parse(
          fieldOf(opened as OpenedResponse, 'x-seen') as string,
        );
        assert.equal([method, url, length], ['POST', '/x?a=1', String(size)]);
        assert.match(authority, '127.0.0.1');
      }
    }
  });

  it(`requests without a body, with a store ${storeName}`, async () => {
    const client = await start(echo, slow);
    for (const method of ['GET', 'DELETE']) {
      const { opened } = await client.exchange({ method, path: '/page' });
      const seen = JSON.parse(fieldOf(opened as OpenedResponse, 'x-seen') as string);
      assert.equal([seen[0], seen[1], seen[3], seen[4]], [method, '/page', null, null]);
      assert.is(opened?.body.length, 0);
    }
  });

  it(`flipped bits and cuts are refused, with a store ${storeName}`, async () => {
    const client = await start(echo, slow);
    assert.is((await client.exchange({ body: pattern(10) })).opened?.status, 200);
    handled = 0;
    for (const change of [
      (message: Buffer) => flipped(message, 5),
      (message: Buffer) => flipped(message, 300),
      (message: Buffer) => flipped(message, message.length * 8 - 1),
      (message: Buffer) => message.subarray(0, -1),
      (message: Buffer) => message.subarray(0, 32),
    ]) {
      const small = await client.exchange({ body: pattern(10) }, change);
      assert.equal([small.headers[':status'], small.headers['sealwire']], [400, 'rejected']);
      const bodiless = await client.exchange({ method: 'GET' }, change);
      assert.equal([bodiless.headers[':status'], bodiless.headers['sealwire']], [400, 'rejected']);
    }
    assert.is(handled, 0);
  });
}

it('bodies that no handler reads end, and use up neither the connection nor its window', async () => {
  let ended = 0;
  const client = await start((req, res) => {
    if (req.url === '/read') req.pipe(res);
    else {
      req.on('end', () => ended++);
      res.end('unread');
    }
  }, false);
  for (let i = 0; i < 5; i++) {
    for (const size of [10, 300_000]) {
      const { opened } = await client.exchange({ path: '/unread', body: pattern(size) });
      assert.is(opened?.body.toString(), 'unread', `${size} bytes`);
    }
  }
  const { opened } = await within(
    client.exchange({ path: '/read', body: pattern(300_000) }),
    'the body that is read',
  );
  assert.ok(opened?.body.equals(pattern(300_000)));
  assert.is(ended, 10);
  await within(client.end(), 'the end of the server', 2000);
});

it('a streamed body that is damaged fails its consumer, and is complete for nobody', async () => {
  const ends: string[] = [];
  const client = await start((req, res) => {
    req
      .on('data', () => {})
      .on('end', () => {
        ends.push('end');
        res.end('whole');
      });
    if (req.url === '/ignoring') return;
    req.on('error', (error: Error & { code?: string }) => {
      ends.push(String(error.code));
      res.statusCode = 422;
      res.end();
    });
  }, false);
  for (const [path, status] of [
    ['/events', 422],
    ['/ignoring', 400],
  ] as const) {
    ends.length = 0;
    assert.is((await client.exchange({ path, body: pattern(300_000) })).opened?.body.toString(), 'whole');
    assert.equal(ends, ['end']);
    for (const change of [
      (message: Buffer) => flipped(message, 250_000 * 8),
      (message: Buffer) => message.subarray(0, 250_000),
    ]) {
      ends.length = 0;
      const { opened } = await within(
        client.exchange({ path, body: pattern(300_000) }, change),
        `the answer of ${path}`,
      );
      assert.is(opened?.status, status);
      assert.equal(ends, path === '/events' ? ['rejected'] : []);
    }
  }
});

it('a status that Node takes for 200 does not send the head in plaintext', async () => {
  const statuses: unknown[] = [undefined, 0, Number.NaN, 'abc'];
  const client = await start((req, res) => {
    const status = statuses[Number((req.url as string).slice(1))];
    res.writeHead(status as number, { 'x-inner': 'secret' });
    res.end('sealed');
  }, false);
  for (const index of statuses.keys()) {
    const { opened, headers } = await client.exchange({ method: 'GET', path: `/${index}` });
    assert.is(headers['x-inner'], undefined);
    assert.equal([opened?.status, opened?.body.toString()], [200, 'sealed']);
    assert.is(fieldOf(opened as OpenedResponse, 'x-inner'), 'secret');
  }
});

it('trailers of setTrailer are sealed, and the later one of a name counts', async () => {
  const client = await start((_req, res) => {
    // Its types do not know the method.
    const { setTrailer } = res as unknown as { setTrailer(name: string, value: string): void };
    setTrailer.call(res, 'x-inner', 'first');
    setTrailer.call(res, 'x-inner', 'secret');
    res.end('body');
  }, false);
  const { headers } = await client.seal({ method: 'GET' });
  const stream = client.connection.request(headers, { endStream: true });
  stream.on('trailers', () => assert.unreachable('outer trailers')).resume();
  await once(stream, 'close');
  const { opened } = await client.exchange({ method: 'GET' });
  assert.equal(opened?.trailers, [['x-inner', 'secret']]);
});

it('nothing is pushed, and no information sent, in plaintext', async () => {
  const seen: string[] = [];
  const client = await start((_req, res) => {
    // Newer versions of Node have it.
    (res as { writeInformation?: (...args: unknown[]) => unknown }).writeInformation?.(104, {
      'x-inner': 'a',
    });
    try {
      res.createPushResponse({ ':path': '/pushed' }, (_error, pushed) => pushed.end('secret'));
    } catch (error) {
      res.end(String((error as NodeJS.ErrnoException).code));
    }
  }, false);
  client.connection.on('stream', () => seen.push('pushed'));
  const { headers } = await client.seal({ method: 'GET' });
  const stream = client.connection.request(headers, { endStream: true });
  stream.on('headers', () => seen.push('information')).resume();
  await once(stream, 'close');
  assert.is((await client.exchange({ method: 'GET' })).opened?.body.toString(), 'ERR_HTTP2_PUSH_DISABLED');
  assert.equal(seen, []);
});

it('every way to answer, the head once and sealed', async () => {
  const client = await start((req, res) => {
    switch (req.url) {
      case '/head':
        res.writeHead(201, { 'x-inner': 'secret' });
        res.end('head');
        break;
      case '/writes':
        res.setHeader('x-inner', 'secret');
        res.write('one ');
        res.write('two');
        res.end();
        break;
      case '/empty':
        res.statusCode = 204;
        res.end();
        break;
      default:
        res.statusCode = 404;
        res.end('missing');
    }
  }, false);
  for (const [path, status, body, outer] of [
    ['/head', 201, 'head', 201],
    ['/writes', 200, 'one two', 200],
    ['/empty', 204, '', 200],
    ['/missing', 404, 'missing', 404],
  ] as const) {
    const { opened, headers } = await client.exchange({ method: 'GET', path });
    assert.equal([opened?.status, opened?.body.toString(), headers[':status']], [status, body, outer], path);
    assert.is(headers['x-inner'], undefined);
    if (status < 204) assert.is(fieldOf(opened as OpenedResponse, 'x-inner'), 'secret');
  }
});

test.run();
