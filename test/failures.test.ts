// Errors of handlers, error pages, clients that go away and bodies that nobody reads: as in plain, and sealed.
import { once } from 'node:events';
import { messageType } from '@sealwire/core';
import type { ErrorRequestHandler, Request, Response } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { Arrivals, onExpress, within } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { RawConnection } from './support/raw-http.ts';
import { startSealed } from './support/servers.ts';
import { startTwins } from './support/twins.ts';
import { WireClient } from './support/wire-client.ts';

onExpress("Express's own pages for 404, 500 and errors with a status are sealed", async (express) => {
  const twins = await startTwins(express, (app) => {
    app.get('/throws', () => {
      throw new Error('before the head');
    });
    app.get('/next', (_req, res, next) => {
      res.set('x-set', 'before');
      next(Object.assign(new Error('teapot'), { status: 418, headers: { 'x-error': '1' } }));
    });
    app.get('/method', (_req, _res, next) => next(Object.assign(new Error('no'), { status: 405 })));
    app.get('/auth', (_req, _res, next) => next(Object.assign(new Error('no'), { status: 401 })));
  });
  for (const path of ['/missing', '/throws', '/next', '/method', '/auth']) {
    const { plain, sealed } = await twins.ask(path);
    // Stacks differ: Sealwire stands in one of them.
    assert.equal(
      [sealed.status, Object.keys(sealed.headers)],
      [plain.status, Object.keys(plain.headers)],
      path,
    );
    const response = await twins.sealed(path);
    assert.is(response.sealed.outer.get('content-type'), messageType);
    assert.is(response.sealed.status, sealed.status === 405 || sealed.status === 401 ? 200 : sealed.status);
    assert.match(await response.text(), '<pre>');
  }
});

onExpress('an error handler of the application answers, sealed', async (express) => {
  const twins = await startTwins(express, (app) => {
    app.post('/throws', express.json(), () => {
      throw new Error('before the head');
    });
    const onError: ErrorRequestHandler = (error, req, res, _next) => {
      res.status(error.status ?? 500).json({ message: error.message, path: req.path });
    };
    app.use(onError);
  });
  for (const body of ['{}', '{"broken":']) {
    const init = () => ({ method: 'POST', body, headers: { 'content-type': 'application/json' } });
    const { plain, sealed } = await twins.ask('/throws', init);
    assert.equal(sealed, plain);
  }
});

onExpress(
  'a head of the response that is too large to be sealed is an error of the server',
  async (express) => {
    const server = await startSealed(express, (app) => {
      app.get('/:length', (req, res) => {
        res.set('x-long', 'x'.repeat(Number(req.params['length']))).send('sent');
      });
      app.get('/status', (_req, res) => void res.send('next'));
    });
    const sealedFetch = clientOf(server);
    assert.is((await sealedFetch('/16000')).headers.get('x-long')?.length, 16_000);
    const response = await sealedFetch('/17000');
    assert.is(response.status, 500);
    assert.is(response.sealed.outer.get('content-type'), messageType);
    assert.is((await sealedFetch('/10')).status, 200);
  },
);

onExpress('an error after the head breaks the response off, and never ends it', async (express) => {
  const twins = await startTwins(express, (app) => {
    app.get('/throws', (req, res) => {
      res.write('half');
      if (req.query['whole'] === undefined) throw new Error('after the head');
      res.end(', whole');
    });
  });
  assert.is(await (await twins.sealed('/throws?whole')).text(), 'half, whole');
  const read = (response: globalThis.Response) => response.text();
  const errors = await Promise.allSettled([
    twins.plain('/throws').then(read),
    twins.sealed('/throws').then(read),
  ]);
  for (const { status, reason } of errors as PromiseRejectedResult[]) {
    assert.is(status, 'rejected');
    assert.ok(reason instanceof TypeError);
  }
});

onExpress('a client that aborts its upload is seen by the handler as in plain', async (express) => {
  const started = new Arrivals<Request>();
  const server = await startSealed(express, (app) => {
    app.post('/upload', (req, res) => {
      started.push(req);
      req.resume().on('end', () => res.end('whole'));
      req.on('error', () => {});
    });
  });
  const sealedFetch = clientOf(server);
  assert.is(await (await sealedFetch('/upload', { method: 'POST', body: 'whole' })).text(), 'whole');
  await started.next();
  const controller = new AbortController();
  const body = new ReadableStream({
    start(stream) {
      stream.enqueue(pattern(100_000));
    },
  });
  const call = sealedFetch('/upload', { method: 'POST', body, duplex: 'half', signal: controller.signal });
  const req = await started.next('the handler');
  const events: string[] = [];
  for (const event of ['aborted', 'end', 'error', 'close']) req.on(event, () => events.push(event));
  const closed = new Promise((resolve) => req.on('close', resolve));
  controller.abort();
  assert.is((await call.catch((reason: Error) => reason.name)) as string, 'AbortError');
  await within(closed, 'close');
  assert.equal([req.destroyed, req.complete], [true, false]);
  assert.equal(
    events.filter((event) => event !== 'aborted'),
    ['error', 'close'],
  );
});

onExpress('a client that goes away during the response closes it', async (express) => {
  const started = new Arrivals<Response>();
  const server = await startSealed(express, (app) => {
    app.get('/endless', (_req, res) => {
      started.push(res);
      const more = () => {
        while (!res.destroyed && res.write(pattern(10_000)));
      };
      res.on('drain', more);
      more();
    });
  });
  const controller = new AbortController();
  const response = await clientOf(server)('/endless', { signal: controller.signal });
  const res = await started.next();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await reader.cancel();
  if (!res.destroyed) await within(once(res, 'close'), 'close after cancel');
  assert.is(res.writableFinished, false);
});

onExpress('a body that no handler reads does not stand in the way of the next request', async (express) => {
  const server = await startSealed(express, (app) => {
    app.post('/unread', (_req, res) => {
      res.json('unread');
    });
    app.post('/partly', (req, res) => {
      req.once('data', () => {
        req.pause();
        res.json('partly');
      });
    });
    app.post('/read', express.raw({ type: () => true, limit: '2mb' }), (req, res) => {
      res.json(req.body.length);
    });
  });
  const wire = await WireClient.connect(server);
  for (const size of [0, 100, 65_536, 1_000_000]) {
    for (const path of size === 0 ? ['/unread'] : ['/unread', '/partly']) {
      const connection = await RawConnection.open(server.port);
      for (const framing of ['length', 'chunked'] as const) {
        const answer = await wire.exchange({ path, body: pattern(size) }, { connection, framing });
        assert.is(answer.body.toString(), JSON.stringify(path.slice(1)));
        const next = await wire.exchange({ path: '/read', body: pattern(1000) }, { connection, framing });
        assert.is(next.body.toString(), '1000', `after ${size} bytes to ${path}`);
      }
    }
  }
});

onExpress('an unread body that turns out to be damaged harms nobody', async (express) => {
  const server = await startSealed(express, (app) => {
    app.post('/unread', (_req, res) => {
      res.json('unread');
    });
  });
  const wire = await WireClient.connect(server);
  const connection = await RawConnection.open(server.port);
  const message = await wire.seal({ path: '/unread', body: pattern(500_000) });
  message.message.fill(0, 400_000);
  const answer = await wire.send(message, { connection });
  assert.is((await wire.open(message, answer)).status < 500, true);
  const next = await wire.exchange({ path: '/unread', body: 'fine' });
  assert.is(next.body.toString(), '"unread"');
});

test.run();
