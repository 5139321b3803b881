// One message, one place, one framing: what the inside says of the length is held, and the application passes on one of it.
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { onExpress } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { assertSealedProblem, thrown } from './support/problems.ts';
import { RawConnection } from './support/raw-http.ts';
import { afterwards } from './support/resources.ts';
import { startSealed } from './support/servers.ts';
import { type Sending, WireClient, type WireRequest } from './support/wire-client.ts';

/** A server that tells which framing fields each request came with, and echoes. */
async function startSecond(): Promise<{ port: number; framing: [string, string][][] }> {
  const framing: [string, string][][] = [];
  const server = createServer((req, res) => {
    const fields: [string, string][] = [];
    for (let i = 0; i < req.rawHeaders.length; i += 2) {
      const name = (req.rawHeaders[i] as string).toLowerCase();
      if (name === 'content-length' || name === 'transfer-encoding')
        fields.push([name, req.rawHeaders[i + 1] as string]);
    }
    framing.push(fields);
    req.pipe(res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => server.close().closeAllConnections());
  return { port: (server.address() as AddressInfo).port, framing };
}

onExpress('a handler that pipes the request on to a second server frames it once', async (express) => {
  const { port, framing } = await startSecond();
  const server = await startSealed(express, (app) => {
    app.use((req, res) => {
      // As the simplest of proxies does it: every header as it is.
      const { method, url: path, headers } = req;
      const forward = request({ port, host: '127.0.0.1', method, path, headers, agent: false });
      forward.on('response', (answer) => {
        res.status(answer.statusCode as number);
        answer.pipe(res);
      });
      req.pipe(forward);
    });
  });
  const wire = await WireClient.connect(server);
  const chunked: [string, string][] = [['transfer-encoding', 'chunked']];
  const cases: [string, WireRequest, [string, string][]][] = [
    ['a small body', { body: pattern(6) }, [['content-length', '6']]],
    ['a large body', { body: pattern(300_000) }, [['content-length', '300000']]],
    ['a small body without a length', { body: pattern(6), length: false }, chunked],
    ['a large body without a length', { body: pattern(300_000), length: false }, chunked],
    ['a body without bytes', { body: '' }, [['content-length', '0']]],
    [
      'no body, with its length',
      { method: 'POST', fields: [['content-length', '0']] },
      [['content-length', '0']],
    ],
    ['GET', { method: 'GET' }, []],
    ['DELETE', { method: 'DELETE' }, []],
  ];
  for (const [name, message, expected] of cases) {
    for (const sending of [{}, { framing: 'chunked' }] as Sending[]) {
      if (message.body === undefined && sending.framing !== undefined) continue;
      const answer = await wire.exchange(message, sending);
      assert.is(answer.status, 200, name);
      assert.ok(answer.body.equals(Buffer.from(message.body ?? '')), name);
      assert.equal(framing.pop(), expected, name);
    }
  }
  // Two servers agree where each request ends: there is no other one between them.
  assert.is(framing.length, 0);
});

let complete = 0;

function counting(app: Application): void {
  complete = 0;
  app.post('/', async (req, res) => {
    try {
      for await (const _ of req);
      complete++;
      res.json('complete');
    } catch {
      res.status(422).json('failed');
    }
  });
}

onExpress('a sealed length of one byte more or less than the body is refused', async (express) => {
  const server = await startSealed(express, counting);
  const wire = await WireClient.connect(server);
  for (const [size, shares] of [
    [4, undefined],
    [4, [2, 2]],
    [300_000, undefined],
  ] as const) {
    complete = 0;
    const body = pattern(size);
    assert.is((await wire.exchange({ body, ...(shares && { shares }) })).status, 200);
    for (const length of [size - 1, size + 1, 0]) {
      const fields = [['content-length', String(length)]] as const;
      const message = await wire.seal({ body, fields, ...(shares && { shares }) });
      const answer = await wire.open(message, await wire.send(message));
      // What does not fit in the hold has begun to stream.
      if (size > 65_536 && length > 65_536) assert.is(answer.status, 422);
      else assertSealedProblem(answer, 'rejected');
    }
    assert.is(complete, 1);
  }
});

onExpress('a response of one byte more or less than its sealed length is refused', async (express) => {
  const server = await startSealed(express, (app) => {
    app.get('/:size/:length', (req, res) => {
      res.set('content-length', req.params['length'] as string);
      const body = pattern(Number(req.params['size']));
      res.write(body.subarray(0, 2));
      res.end(body.subarray(2));
    });
  });
  const sealedFetch = clientOf(server);
  for (const size of [4, 300_000]) {
    const read = async (length: number) => (await sealedFetch(`/${size}/${length}`)).arrayBuffer();
    assert.is((await read(size)).byteLength, size);
    await thrown(read(size + 1), 'truncated');
    await thrown(read(size - 1), 'rejected');
    // A HEAD may say the length of what it does not send.
    const head = await sealedFetch(`/${size}/${size + 1}`, { method: 'HEAD' });
    assert.is(head.headers.get('content-length'), String(size + 1));
  }
});

onExpress('a transfer-encoding is refused inside, and has no effect outside', async (express) => {
  const server = await startSealed(express, counting);
  const wire = await WireClient.connect(server);
  const body = 'a body';
  for (const framing of ['length', 'chunked'] as const) {
    assert.is((await wire.exchange({ body }, { framing })).status, 200);
    for (const value of ['chunked', 'identity', 'gzip, chunked']) {
      const message = await wire.seal({ body, fields: [['transfer-encoding', value]] });
      const answer = await wire.open(message, await wire.send(message, { framing }));
      const problem = assertSealedProblem(answer, 'field-not-allowed');
      assert.match(problem.detail ?? '', 'transfer-encoding');
    }
  }
  assert.is(complete, 2);
});

onExpress('bytes behind a message in the header are the next request, or nothing', async (express) => {
  let handled = 0;
  const server = await startSealed(express, (app) => {
    app.use((req, res) => {
      handled++;
      res.json([req.url, req.sealed !== undefined]);
    });
  });
  const wire = await WireClient.connect(server);
  const connection = await RawConnection.open(server.port);
  const message = await wire.seal({ path: '/first' });
  await wire.write(message, { connection });
  // Somebody attaches a request of his own where a body would be.
  await connection.write('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
  const first = await wire.open(message, await connection.response());
  assert.equal(JSON.parse(first.body.toString()), ['/first', true]);
  const second = await connection.response();
  assert.is(second.headers['sealwire'], 'sealed-required');
  assert.is(handled, 1);
});

test.run();
