// Handlers that leave a body alone, stop reading it, answer before or long after it came to grief: nothing of that
// ends the process or the connections of others, and the answers are those of a server without Sealwire.
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { onExpress, sleep } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { uncaught } from './support/left-behind.ts';
import { startSealed } from './support/servers.ts';

function routes(app: Application): void {
  app.post('/limit', async (req, res, next) => {
    try {
      let length = 0;
      for await (const chunk of req) {
        length += chunk.length;
        if (length > 100) throw Object.assign(new Error('too long'), { status: 413 });
      }
      res.json({ length });
    } catch (error) {
      next(error);
    }
  });
  app.post('/first', async (req, res) => {
    for await (const chunk of req) {
      res.json({ first: chunk.length > 0 });
      return;
    }
  });
  app.post('/full-disk', async (req, res) => {
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) });
    res
      .status(
        await pipeline(req, full).then(
          () => 200,
          () => 507,
        ),
      )
      .end();
  });
  app.post('/stored', async (req, res) => {
    const disk = new Writable({ write: (_chunk, _encoding, done) => setImmediate(done) });
    res
      .status(
        await pipeline(req, disk).then(
          () => 200,
          () => 500,
        ),
      )
      .end();
  });
  app.post('/late', async (_req, res) => {
    await sleep(80);
    res.json({ late: true });
  });
  app.post('/late-callback', (_req, res) => {
    setTimeout(() => res.status(201).json({ late: true }), 80);
  });
  app.post('/late-headers', (req, res) => {
    req.resume();
    setTimeout(() => res.setHeaders(new Map([['x-late', 'yes']])).end(), 80);
  });
  app.post('/late-end', async (req, res) => {
    await sleep(40);
    let length = 0;
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
    });
    req.on('end', () => res.json({ length }));
  });
}

const statuses = {
  '/limit': 413,
  '/first': 200,
  '/full-disk': 507,
  '/late': 200,
  '/late-callback': 201,
  '/late-headers': 200,
};

for (const length of [1000, 60_000, 200_000, 1_500_000]) {
  onExpress(
    `handlers that stop reading ${length} bytes answer as they do without Sealwire`,
    async (express) => {
      const errors = uncaught();
      const sealedFetch = clientOf(await startSealed(express, routes));
      for (const [path, status] of Object.entries(statuses)) {
        // More than once: the connection has to stay of use.
        for (let i = 0; i < 3; i++) {
          const response = await sealedFetch(path, { method: 'POST', body: pattern(length) });
          assert.is(response.status, status, path);
          await response.arrayBuffer();
        }
      }
      await sleep(20);
      assert.equal(errors, []);
    },
  );
}

/** The path alters one byte of every body. */
function altering(at: (length: number) => number) {
  return recordingFetch({
    async request(url, init) {
      if (url.includes('/.well-known/') || init.body === undefined || init.body === null) return undefined;
      const body = new Uint8Array(await new Response(init.body).arrayBuffer());
      const index = at(body.length);
      body[index] = (body[index] as number) ^ 1;
      return { ...init, body };
    },
  });
}

for (const [where, at] of [
  ['in the middle', (length: number) => length >> 1],
  ['at its end', (length: number) => length - 1],
] as const) {
  onExpress(`a body damaged ${where} harms no handler, whatever it does with it`, async (express) => {
    const errors = uncaught();
    const server = await startSealed(express, routes);
    const genuine = clientOf(server);
    assert.is((await genuine('/stored', { method: 'POST', body: pattern(300_000) })).status, 200);
    const sealedFetch = clientOf(server, { fetch: altering(at) });
    for (const path of [
      '/stored',
      '/full-disk',
      '/limit',
      '/first',
      '/late',
      '/late-callback',
      '/late-headers',
      '/late-end',
    ]) {
      const response = await sealedFetch(path, { method: 'POST', body: pattern(300_000) }).catch(
        () => undefined,
      );
      // The others may have what they want before the damage comes.
      if (['/stored', '/full-disk', '/late-headers', '/late-end'].includes(path))
        assert.not.ok(response?.ok, path);
      await response?.arrayBuffer().catch(() => {});
      await sleep(100);
    }
    assert.equal(errors, []);
    assert.is((await genuine('/stored', { method: 'POST', body: pattern(300_000) })).status, 200);
  });
}

for (const length of [0, 1, 70_000]) {
  onExpress(
    `${length} bytes that came before Sealwire was asked wait for a handler that reads late`,
    async (express) => {
      const slow = (app: Application) => {
        app.use((_req, _res, next) => {
          setTimeout(next, 40);
        });
      };
      const server = await startSealed(express, routes, { before: slow });
      const response = await clientOf(server)('/late-end', { method: 'POST', body: pattern(length) });
      assert.equal(await response.json(), { length });
    },
  );
}

test.run();
