// Bodies through the sealing gateway: as they come, no faster than they are taken, and never a part for the whole.
import { once } from 'node:events';
import { Agent, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { Arrivals, deferred, it, sleep, unhandledRejections, within } from './support/cases.ts';
import { gatewayStacks, startGateway } from './support/gateways.ts';
import { until } from './support/left-behind.ts';
import { ask, begin, responseOf, whole } from './support/plain-client.ts';
import { failure } from './support/problems.ts';
import { RawConnection } from './support/raw-http.ts';
import { afterwards } from './support/resources.ts';
import { startSealedNode } from './support/servers.ts';
import { type StackServer, startStack } from './support/stacks.ts';

interface Behind {
  readonly sealed: StackServer;
  readonly origin: string;
  readonly port: number;
}

/** Registers a test for every framework that ends without a promise that nobody heard. */
function onStacks(name: string, listener: RequestListener, run: (behind: Behind) => unknown): void {
  for (const stack of gatewayStacks) {
    it(`${name} (${stack.name})`, async () => {
      const unheard = unhandledRejections();
      const sealed = await startStack(stack, { listener });
      await run({ sealed, ...(await startGateway({ origin: sealed.origin })) });
      await sleep(20);
      assert.equal(unheard, []);
    });
  }
}

const mebibyte = 2 ** 20;
const total = 64 * mebibyte;
/** More than what sockets, streams and records between the two ends hold. */
const bound = 24 * mebibyte;
const chunk = pattern(mebibyte);

/** Writes a body as fast as it is taken, and counts. */
async function pour(into: ServerResponse | ReturnType<typeof begin>, progress: { bytes: number }) {
  while (progress.bytes < total) {
    progress.bytes += chunk.length;
    if (!into.write(chunk)) await once(into, 'drain');
  }
  into.end();
}

/** What a count comes to rest at. */
async function rest(progress: { bytes: number }): Promise<number> {
  for (let seen = -1; seen !== progress.bytes; await sleep(300)) seen = progress.bytes;
  return progress.bytes;
}

const turns = new Arrivals<void>();

onStacks(
  'a head arrives before there are events, and events arrive one by one',
  async (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    await turns.next();
    for (let n = 0; n < 5; n++) {
      res.write(`data: ${n}\n\n`);
      await turns.next();
    }
    res.end();
  },
  async ({ origin }) => {
    const outgoing = begin(origin, '/');
    outgoing.end();
    const response = await responseOf(outgoing);
    turns.push();
    let n = 0;
    for await (const event of response) {
      assert.is(String(event), `data: ${n++}\n\n`);
      turns.push();
    }
    assert.is(n, 5);
  },
);

onStacks(
  'what a client sends reaches the handler while it goes on sending, and is answered meanwhile',
  (req, res) => {
    req.on('data', (piece) => res.write(piece)).on('end', () => res.end());
  },
  async ({ origin }) => {
    const outgoing = begin(origin, '/', { method: 'POST', headers: { 'transfer-encoding': 'chunked' } });
    outgoing.write('0');
    const response = await responseOf(outgoing);
    let n = 0;
    for await (const piece of response) {
      assert.is(String(piece), String(n++));
      if (n < 5) outgoing.write(String(n));
      else outgoing.end();
    }
    assert.is(n, 5);
  },
);

const poured = { bytes: 0 };

onStacks(
  'a handler that writes 64 MiB waits for a client that does not read',
  (_req, res) => void pour(res, poured),
  async ({ origin }) => {
    poured.bytes = 0;
    const outgoing = begin(origin, '/');
    outgoing.end();
    const response = await responseOf(outgoing);
    response.pause();
    const written = await rest(poured);
    assert.ok(written < bound, `${written} bytes were taken`);
    let length = 0;
    for await (const bytes of response) length += bytes.length;
    assert.is(length, total);
  },
);

const reading = { go: deferred() };

onStacks(
  'a client that sends 64 MiB waits for a handler that does not read',
  async (req, res) => {
    await reading.go.promise;
    let length = 0;
    for await (const bytes of req) length += bytes.length;
    res.end(String(length));
  },
  async ({ origin }) => {
    reading.go = deferred();
    const progress = { bytes: 0 };
    const headers = { 'content-length': total };
    const outgoing = begin(origin, '/', { method: 'POST', headers });
    const response = responseOf(outgoing);
    const sent = pour(outgoing, progress);
    const written = await rest(progress);
    assert.ok(written < bound, `${written} bytes were taken`);
    reading.go.resolve();
    await sent;
    assert.is(String((await whole(await response)).body), String(total));
  },
);

onStacks(
  'an answer in the middle of an upload arrives, and the connection serves the next request',
  (req, res) => {
    if (req.method === 'GET') res.end('next');
    else res.writeHead(413).end('too long');
  },
  async ({ origin }) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    afterwards(() => agent.destroy());
    const headers = { 'content-length': 4 * mebibyte };
    const outgoing = begin(origin, '/', { method: 'POST', headers, agent });
    outgoing.write(chunk);
    const { status, body } = await whole(await responseOf(outgoing));
    assert.equal([status, String(body)], [413, 'too long']);
    for (let i = 0; i < 3; i++) outgoing.write(chunk);
    outgoing.end();
    assert.is(String((await within(ask(origin, '/', { agent }), 'the next answer')).body), 'next');
  },
);

const taken = { length: deferred<number>() };

/** Answers first and then reads, as who only says that something has come. */
const answering: RequestListener = (req, res) => {
  taken.length = deferred();
  res.writeHead(202).end('come');
  let length = 0;
  req.on('data', (bytes) => {
    length += bytes.length;
  });
  req.on('end', () => taken.length.resolve(length));
};

/** An upload whose answer is there, over a connection that stays. */
async function answeredEarly(origin: string): Promise<ReturnType<typeof begin>> {
  const agent = new Agent({ keepAlive: true });
  afterwards(() => agent.destroy());
  const headers = { 'content-length': 4 * mebibyte };
  const outgoing = begin(origin, '/', { method: 'POST', headers, agent });
  outgoing.on('error', () => {});
  outgoing.write(chunk);
  assert.is((await whole(await responseOf(outgoing))).status, 202);
  return outgoing;
}

onStacks(
  'a handler that has answered goes on to get what the client goes on to send',
  answering,
  async ({ origin }) => {
    const outgoing = await answeredEarly(origin);
    for (let i = 0; i < 3; i++) outgoing.write(chunk);
    outgoing.end();
    assert.is(await within(taken.length.promise, 'the end of the body'), 4 * mebibyte);
  },
);

onStacks(
  'a client that goes away between its answer and the end of its body holds no connection, and is no end of it',
  answering,
  async ({ origin, sealed }) => {
    const outgoing = await answeredEarly(origin);
    const connections = sealed.sockets.size;
    outgoing.destroy();
    while (sealed.sockets.size === connections) await sleep(5);
    assert.is(await Promise.race([taken.length.promise, sleep(50)]), undefined);
  },
);

const ends = new Arrivals<string>();

/** Says how a handler hears of the end of its exchange. */
const listening: RequestListener = (req, res) => {
  req.on('error', () => {});
  res.on('close', () => ends.push(res.writableFinished ? 'finished' : 'closed'));
  if (req.url === '/upload') req.resume();
  if (req.url === '/body') res.write('begun');
  ends.push('called');
};

onStacks(
  'a handler hears of a client that goes away, at whatever time',
  listening,
  async ({ origin, sealed }) => {
    for (const path of ['/wait', '/body', '/upload']) {
      const method = path === '/upload' ? 'POST' : 'GET';
      const outgoing = begin(origin, path, { method });
      outgoing.on('error', () => {});
      if (method === 'POST') outgoing.write(chunk);
      else outgoing.end();
      assert.is(await ends.next(), 'called');
      if (path === '/body') await responseOf(outgoing);
      outgoing.destroy();
      assert.is(await ends.next(`the end of ${path}`), 'closed');
    }
    await until(() => sealed.sockets.size <= 1, 'nothing is left but the connection of the handshake');
  },
);

/** Answers in one way, and then its connection breaks. */
const breaking: RequestListener = (req, res) => {
  if (req.url?.startsWith('/length')) res.setHeader('content-length', 100_000);
  if (req.url !== '/nothing') res.flushHeaders();
  if (req.url?.endsWith('body')) res.write(pattern(50_000));
  setTimeout(() => req.socket.destroy(), 50);
};

onStacks(
  'a server that breaks off surfaces as an error, never as a short body',
  breaking,
  async ({ origin }) => {
    const nothing = await ask(origin, '/nothing');
    assert.is(nothing.status, 502);
    assert.is(JSON.parse(String(nothing.body)).code, 'server-unreachable');
    for (const path of ['/head', '/body', '/length-head', '/length-body']) {
      const error = (await failure(ask(origin, path))) as NodeJS.ErrnoException;
      assert.is(error.code, 'ECONNRESET', path);
    }
  },
);

onStacks('a server that breaks off is no end of a body to HTTP/1.0 either', breaking, async ({ port }) => {
  for (const path of ['/head', '/body']) {
    const connection = await RawConnection.open(port);
    const reset = once(connection.socket, 'error').catch((error) => [error]);
    await connection.write(`GET ${path} HTTP/1.0\r\n\r\n`);
    assert.is((await connection.responseHead()).headers['transfer-encoding'], undefined);
    assert.is((await within(reset, 'a reset'))[0].code, 'ECONNRESET', path);
  }
});

const uploads = new Arrivals<unknown>();

onStacks(
  'a client that breaks off in the middle of a body is an error to the handler, never a short body',
  (req: IncomingMessage, res) => {
    uploads.push('begun');
    req.resume().on('end', () => {
      uploads.push('whole');
      res.end();
    });
    req.on('error', (error) => uploads.push(error));
  },
  async ({ origin }) => {
    for (const headers of [{ 'content-length': 3 * mebibyte }, { 'transfer-encoding': 'chunked' }]) {
      for (const size of [100, 2 * mebibyte]) {
        const outgoing = begin(origin, '/', { method: 'POST', headers });
        outgoing.on('error', () => {});
        outgoing.write(pattern(size));
        assert.is(await uploads.next(), 'begun');
        outgoing.destroy();
        assert.instance(await uploads.next(), Error);
      }
    }
  },
);

it('of pipelined requests none goes out whose client is gone before its turn', async () => {
  const begun = new Arrivals<string>();
  const server = await startSealedNode((req, res) => {
    begun.push(req.url as string);
    if (req.url !== '/first') res.end(req.url);
  });
  const { port } = await startGateway({ origin: server.origin });
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
  const gone = await RawConnection.open(port);
  await gone.write(get('/first') + get('/second'));
  assert.is(await begun.next(), '/first');
  gone.socket.destroy();
  const staying = await RawConnection.open(port);
  await staying.write(get('/a') + get('/b'));
  for (const path of ['/a', '/b']) {
    assert.is(await begun.next(), path);
    assert.is(String((await staying.response()).body), path);
  }
});

test.run();
