// What a revocation would have to reach is known as long as it runs, and no longer.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { connect } from 'node:net';
import { MemorySessionStore } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from '../../../test/support/caller.ts';
import { Arrivals, it, sleep } from '../../../test/support/cases.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { until } from '../../../test/support/left-behind.ts';
import { failure } from '../../../test/support/problems.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { keys, listen, nodeFramework } from '../../../test/support/servers.ts';
import type { Stack, StackServer } from '../../../test/support/stacks.ts';
import { WireClient } from '../../../test/support/wire-client.ts';
import { answerConfiguration, answerHandshakeRequest } from '../src/endpoints.ts';
import { Exchange } from '../src/exchange.ts';
import { resolveOptions } from '../src/options.ts';
import { readOuterHeaders } from '../src/raw-headers.ts';
import { Running } from '../src/running.ts';

/** A server without middleware around it, so that the test sees what it keeps. */
async function startServer(handle: (req: IncomingMessage, res: ServerResponse) => void, http2 = false) {
  const server = http2 ? await listenHttp2() : await listen();
  const settings = resolveOptions({ keys, origins: [server.origin], store: new MemorySessionStore() });
  const { running } = settings.revocation;
  const exchanges: Exchange[] = [];
  server.server.on('request', (req, res) => {
    if (req.url === '/.well-known/sealwire') answerConfiguration(settings, req, res);
    else if (req.url?.startsWith('/.well-known/')) answerHandshakeRequest(settings, req, res);
    else {
      const exchange = new Exchange(settings, nodeFramework, req, res, () => handle(req, res));
      exchanges.push(exchange);
      exchange.start(readOuterHeaders(req.rawHeaders));
    }
  });
  return { ...server, running, exchanges };
}

it('an exchange that was answered is forgotten at once, whatever it was', async () => {
  let handled = 0;
  const { running, origin } = await startServer((req, res) => {
    handled++;
    assert.is(running.size, 1);
    if (req.url === '/unread') res.end('early');
    else req.resume().on('end', () => res.end('answered'));
  });
  const sealedFetch = clientOf({ origin });
  for (const [path, size] of [
    ['/', 0],
    ['/', 10],
    ['/', 300_000],
    ['/unread', 10],
    ['/unread', 300_000],
  ] as const) {
    const init = size === 0 ? {} : { method: 'POST', body: 'x'.repeat(size) };
    await (await sealedFetch(path, init)).text();
    await until(() => running.size === 0, `${path} with ${size} bytes is forgotten`, 1000);
  }
  assert.is(handled, 5);
});

it('an exchange that was refused is forgotten', async () => {
  const { running, origin } = await startServer((_req, res) => res.end());
  const wire = await WireClient.connect({ origin, pin: keys.pins[0] as string });
  assert.is(running.size, 0);
  for (const request of [{ body: 'x', time: 0 }, { time: 0 }, { path: '/other' }]) {
    const message = await wire.seal(request);
    const { method, headers, body } = {
      method: message.method,
      headers: Object.fromEntries(wire.headersOf(message)),
      body: message.inHeader ? null : new Uint8Array(message.message),
    };
    await (await fetch(origin, { method, headers, body })).arrayBuffer();
    assert.is(running.size, 0);
  }
});

async function listenHttp2() {
  const server = createHttp2Server();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as { port: number };
  return { origin: `http://127.0.0.1:${port}`, port, server: server as unknown as Server };
}

it('over http2 an exchange is gone when its client gave it up, and forgotten when it was answered', async () => {
  const arrived = new Arrivals<ServerResponse>();
  const server = await startServer((req, res) => {
    req.resume();
    arrived.push(res);
  }, true);
  const { running, exchanges } = server;
  const stack = { http2: true } as Stack;
  const caller = await Caller.connect(stack, { ...server, pin: keys.pins[0] } as unknown as StackServer);
  const { bytes, begin } = await caller.prepare({ body: 'given up', shares: [3] });
  const call = await begin();
  await call.write(bytes.subarray(0, -1));
  await arrived.next();
  assert.is(exchanges[0]?.gone, false);
  call.abort();
  await until(() => exchanges[0]?.gone === true, 'it is gone');
  const answered = caller.ask({ body: 'answered' });
  (await arrived.next()).end('well');
  assert.is((await answered).body, 'well');
  // The first one is left to be swept out.
  await until(() => running.size === 1, 'the second one is forgotten');
  caller.line.destroy();
});

/** Something that runs. */
const one = (gone: boolean) => ({ kid: 'kid', client: 'client', gone, revoke() {} });

it('what was lost without a word is swept out, what runs stays', async () => {
  const running = new Running(20);
  running.add(one(true));
  running.add(one(false));
  running.add(one(true));
  await until(() => running.size === 1, 'the lost ones are swept out');
  await sleep(60);
  assert.is(running.size, 1);
});

it('exchanges that wait for others of a connection that was lost are gone', async () => {
  const arrived = new Arrivals<ServerResponse>();
  const { exchanges, origin, port } = await startServer((_req, res) => arrived.push(res));
  const wire = await WireClient.connect({ origin, pin: keys.pins[0] as string });
  const socket = connect(port, '127.0.0.1');
  const requests: string[] = [];
  for (let i = 0; i < 3; i++) {
    const fields = wire.headersOf(await wire.seal()).map((field) => `${field.join(': ')}\r\n`);
    requests.push(`GET / HTTP/1.1\r\nhost: x\r\n${fields.join('')}\r\n`);
  }
  socket.write(requests.join(''));
  for (let i = 0; i < 3; i++) await arrived.next();
  assert.equal(
    exchanges.map(({ gone }) => gone),
    [false, false, false],
  );
  socket.destroy();
  await until(() => exchanges.every(({ gone }) => gone), 'all three are gone');
});

it('a call that its client aborts is forgotten when its handler ends it', async () => {
  const arrived = new Arrivals<ServerResponse>();
  const { running, origin } = await startServer((_req, res) => arrived.push(res));
  const abort = new AbortController();
  const call = failure(clientOf({ origin })('/', { signal: abort.signal }));
  const res = await arrived.next();
  abort.abort();
  await call;
  res.end('too late');
  assert.is(running.size, 0);
});

test.run();
