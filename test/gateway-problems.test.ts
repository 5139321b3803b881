// What a sealing gateway says itself: problems with stable codes, and nothing that is secret.
import { createServer } from 'node:net';
import { createGateway, nodeFetch } from '@sealwire/client/node';
import { StaticKeys } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, unhandledRejections } from './support/cases.ts';
import { assertOwn, gatewayStacks, startGateway } from './support/gateways.ts';
import { type Answered, type Asked, ask } from './support/plain-client.ts';
import { failure } from './support/problems.ts';
import { startProxy } from './support/proxies.ts';
import { RawConnection } from './support/raw-http.ts';
import { listen, pin } from './support/servers.ts';
import { type Stack, startStack } from './support/stacks.ts';

const [express5] = gatewayStacks as [Stack];

const ok = startStack.bind(null, express5, { listener: (req, res) => res.end(`${req.method} ${req.url}`) });

it('a server that is not there is "server-unreachable"', async () => {
  const { origin, close } = await ok();
  await close();
  const gateway = await startGateway({ origin });
  assert.match(assertOwn(await ask(gateway.origin, '/'), 'server-unreachable', 502), 'ECONNREFUSED');
});

it('a server that does not speak HTTP is "server-unreachable", at once', async () => {
  const server = createServer((socket) => socket.end('SSH-2.0\r\n').resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const gateway = await startGateway({ origin: `http://127.0.0.1:${port}` });
  assertOwn(await ask(gateway.origin, '/'), 'server-unreachable', 502);
  await new Promise((resolve) => server.close(resolve));
});

it('a server without Sealwire, one with another identity, and a plain answer are told apart', async () => {
  const plain = await listen((_req, res) => res.end('plain'));
  const without = await startGateway({ origin: plain.origin });
  assertOwn(await ask(without.origin, '/'), 'configuration-unavailable', 502);

  const { origin, port } = await ok();
  const other = (await StaticKeys.generate(['X25519'])).pins[0] as string;
  const mismatched = await startGateway({ origin, identity: other });
  assertOwn(await ask(mismatched.origin, '/'), 'identity-mismatch', 502);

  for (const status of [200, 302, 404, 503]) {
    const proxy = await startProxy(
      { port },
      {
        response(returning, { url }) {
          if (!url.startsWith('/.well-known'))
            Object.assign(returning, { status, headers: { location: '/' } });
        },
      },
    );
    const gateway = await startGateway({ origin, fetch: nodeFetch({ connectTo: proxy.origin }) });
    assertOwn(await ask(gateway.origin, '/'), 'plaintext-answer', 502);
  }
});

it('a status that no response can have is no crash', async () => {
  const { origin, port } = await ok();
  const unheard = unhandledRejections();
  for (const status of [101, 600, 999]) {
    const proxy = await startProxy(
      { port },
      {
        response(returning, { url }) {
          if (!url.startsWith('/.well-known')) Object.assign(returning, { status, headers: {} });
        },
      },
    );
    const gateway = await startGateway({ origin, fetch: nodeFetch({ connectTo: proxy.origin }) });
    assertOwn(await ask(gateway.origin, '/'), 'server-unreachable', 502);
  }
  assert.equal(unheard, []);
});

it('what was altered or cut on the way is never relayed as whole', async () => {
  const body = Buffer.alloc(300_000, 'a');
  const { origin, port } = await startStack(express5, {
    listener(req, res) {
      if (req.url === '/small') res.end('small');
      else if (req.url === '/head') {
        // A record for the head, and one that ends the message.
        res.setHeader('content-length', 5).flushHeaders();
        res.end();
      } else if (req.url === '/declared') res.setHeader('content-length', body.length).end(body);
      else res.write(body, () => res.end());
    },
  });
  let change = (sealed: Buffer) => sealed;
  const proxy = await startProxy(
    { port },
    {
      response(returning, { url }) {
        if (!url.startsWith('/.well-known')) returning.body = change(returning.body);
      },
    },
  );
  const gateway = await startGateway({ origin, fetch: nodeFetch({ connectTo: proxy.origin }) });
  const whole = await ask(gateway.origin, '/declared');
  assert.is(whole.body.length, body.length);

  const lastByte = (sealed: Buffer) => sealed.fill((sealed.at(-1) as number) ^ 1, sealed.length - 1);
  const cuts: [string, (sealed: Buffer) => Buffer][] = [
    ['truncated', (sealed) => sealed.subarray(0, -1)],
    ['rejected', lastByte],
  ];
  for (const [code, alter] of cuts) {
    change = alter;
    assertOwn(await ask(gateway.origin, '/small'), code, 502);
    assertOwn(await ask(gateway.origin, '/head', { method: 'HEAD' }).then(withProblem(code)), code, 502);
    for (const path of ['/declared', '/chunked']) {
      const error = (await failure(ask(gateway.origin, path))) as NodeJS.ErrnoException;
      assert.is(error.code, 'ECONNRESET', path);
    }
  }
});

/** A HEAD is answered without the problem itself. */
function withProblem(code: string) {
  return (answer: Answered): Answered => ({
    ...answer,
    body: Buffer.from(JSON.stringify({ code, status: answer.status, type: `urn:sealwire:problem:${code}` })),
  });
}

it('a field that is not sealed is refused, says where to list it, and does not show its value', async () => {
  const { origin } = await ok();
  const gateway = await startGateway({ origin });
  const asked: Asked = { method: 'POST', headers: { 'x-tenant': 'a secret' }, body: ['a'.repeat(200_000)] };
  const text = assertOwn(await ask(gateway.origin, '/', asked), 'field-not-listed', 400);
  assert.match(text, '`fields`');
  assert.match(text, '`outerFields`');
  assert.match(text, 'x-tenant');
  assert.not.match(text, 'a secret');

  const open = await startGateway({ origin, outerFields: '*' });
  assert.is((await ask(open.origin, '/', asked)).status, 200);
  // What a client says to the gateway alone goes nowhere.
  const hop = { connection: 'close, x-hop', 'x-hop': 'a' };
  assert.is((await ask(gateway.origin, '/', { headers: hop })).status, 200);
});

it('a client that was refused in the middle of an upload may ask again on its connection', async () => {
  const { origin } = await ok();
  const gateway = await startGateway({ origin });
  const connection = await RawConnection.open(gateway.port);
  const headers = [
    ['host', 'localhost'],
    ['x-tenant', 'a'],
    ['content-length', '400000'],
  ] as const;
  await connection.head('POST', '/', headers);
  await connection.write('a'.repeat(100_000));
  assert.is((await connection.response()).status, 400);
  await connection.write('a'.repeat(300_000));
  await connection.head('GET', '/next', [['host', 'localhost']]);
  assert.is(String((await connection.response()).body), 'GET /next');
});

it('targets that are none are refused, and do not show a query', async () => {
  const { origin, port } = await ok();
  const gateway = await startGateway({ origin });
  const refused: [string, string, string, number][] = [
    ['OPTIONS', '*', 'malformed', 400],
    ['GET', '//host/a?secret', 'malformed', 400],
    ['GET', 'ftp://127.0.0.1/?secret', 'malformed', 400],
    ['GET', `https://127.0.0.1:${port}/?secret`, 'other-origin', 421],
    ['GET', 'http://elsewhere.test/?secret', 'other-origin', 421],
    ['TRACE', '/', 'malformed', 400],
    ['CONNECT', `127.0.0.1:${port}`, 'malformed', 400],
  ];
  for (const [method, target, code, status] of refused) {
    const connection = await RawConnection.open(gateway.port);
    await connection.head(method, target, [['host', `127.0.0.1:${gateway.port}`]]);
    const { headers, body, ...head } = await connection.response();
    const answered = { ...head, headers: Object.entries(headers), trailers: {}, body };
    assert.not.match(assertOwn(answered, code, status), 'secret');
  }
});

it('a whole URL of the origin is a target, as to a proxy', async () => {
  const { origin, port } = await ok();
  const gateway = await startGateway({ origin });
  const targets = { [`${origin}/a?b`]: '/a?b', '/a/../b': '/b' };
  for (const [target, path] of Object.entries(targets)) {
    const connection = await RawConnection.open(gateway.port);
    await connection.head('GET', target, [['host', `127.0.0.1:${port}`]]);
    assert.is(String((await connection.response()).body), `GET ${path}`);
  }
});

it('HTTP/1.0, requests in a row without waiting, "connection: close" and upgrades are served', async () => {
  const { origin } = await ok();
  const { port } = await startGateway({ origin });
  const old = await RawConnection.open(port);
  await old.write('GET /old HTTP/1.0\r\n\r\n');
  assert.is(String((await old.response()).body), 'GET /old');
  await old.untilEnded();

  const row = await RawConnection.open(port);
  const one = (n: number) => `POST /${n} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\na`;
  await row.write([0, 1, 2].map(one).join(''));
  for (const n of [0, 1, 2]) assert.is(String((await row.response()).body), `POST /${n}`);
  await row.head('GET', '/last', [
    ['host', 'localhost'],
    ['connection', 'close'],
  ]);
  assert.is(String((await row.response()).body), 'GET /last');
  await row.untilEnded();

  const upgrade = await RawConnection.open(port);
  const fields = [
    ['host', 'localhost'],
    ['connection', 'Upgrade, HTTP2-Settings'],
    ['upgrade', 'h2c'],
    ['http2-settings', 'AA'],
  ] as const;
  await upgrade.head('GET', '/upgrade', fields);
  assert.is(String((await upgrade.response()).body), 'GET /upgrade');
});

it('a client that waits for 100-continue is told to go on', async () => {
  const { origin } = await ok();
  const connection = await RawConnection.open((await startGateway({ origin })).port);
  await connection.head('POST', '/', [
    ['host', 'localhost'],
    ['content-length', '1'],
    ['expect', '100-continue'],
  ]);
  assert.match(String(await connection.takeThrough('\r\n\r\n')), '100 Continue');
  await connection.write('a');
  assert.is(String((await connection.response()).body), 'POST /');
});

it('pages of other sites are refused, by what browsers say of them and by the name that they use', async () => {
  const { origin } = await ok();
  const { origin: gateway, port } = await startGateway({ origin });
  const foreign: Asked['headers'][] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { host: 'rebound.test' },
    { host: `rebound.test:${port}`, 'sec-fetch-site': 'same-origin' },
    { host: 'localhost.rebound.test' },
    { host: '127.0.0.1.rebound.test' },
    { host: `0.0.0.0:${port}` },
    { 'sec-websocket-key': 'a', origin: 'http://b.test' },
    { host: `[::]:${port}` },
    { host: '192.0.2.1' },
  ];
  for (const headers of foreign) assertOwn(await ask(gateway, '/', { headers }), 'foreign-caller', 403);
  const own: Asked['headers'][] = [
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { host: `LOCALHOST:${port}` },
    { host: 'api.localhost' },
    { host: `[::1]:${port}` },
  ];
  for (const headers of own) assert.is((await ask(gateway, '/', { headers })).status, 200);
});

it('options are checked', () => {
  assert.throws(() => createGateway({ origin: 'nowhere', identity: pin }), /origin/);
  assert.throws(() => createGateway({ origin: 'http://localhost' }), /identity/);
  assert.throws(() => nodeFetch({ connectTo: 'nowhere' }), /connectTo/);
  assert.throws(() => nodeFetch({ agent: {} as never }), /agent/);
});

test.run();
