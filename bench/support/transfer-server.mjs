// The server of memory.bench.mjs and test/memory.test.ts: on Express and on Koa, sealed and plain, an upload that counts
// its bytes and a download that makes them, neither of which keeps any.
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StaticKeys, sealwire as sealExpress } from '@sealwire/express';
import { sealwire as sealKoa } from '@sealwire/koa';
import express from 'express';
import Koa from 'koa';
import { chunks } from './body.mjs';
import { answerParent } from './child.mjs';
import { watchProcess } from './process.mjs';

async function count(stream) {
  let length = 0;
  for await (const chunk of stream) length += chunk.length;
  return length;
}

/** A body of this many bytes. */
const source = (length) => Readable.from(chunks(length), { objectMode: false });

function expressApp(options) {
  const app = express();
  if (options !== undefined) app.use(sealExpress(options));
  app.post('/upload', async (req, res) => {
    res.json(await count(req));
  });
  app.get('/download/:length', async (req, res) => {
    const length = Number(req.params.length);
    res.set('content-length', String(length));
    await pipeline(source(length), res);
  });
  return app;
}

function koaApp(options) {
  const app = new Koa();
  if (options !== undefined) app.use(sealKoa(options));
  app.use(async (ctx) => {
    if (ctx.method === 'POST') {
      ctx.body = String(await count(ctx.req));
      return;
    }
    const length = Number(ctx.path.split('/')[2]);
    ctx.body = source(length);
    ctx.length = length;
  });
  return app.callback();
}

async function listen(makeApp, keys) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  server.on('request', makeApp(keys && { keys, origins: [origin] }));
  return origin;
}

// The suite of the handshake makes no difference to what is measured.
const keys = await StaticKeys.generate(['X25519']);
const origins = {
  Express: { plain: await listen(expressApp), sealed: await listen(expressApp, keys) },
  Koa: { plain: await listen(koaApp), sealed: await listen(koaApp, keys) },
};

let watched;

answerParent({
  servers: () => ({ origins, pin: keys.pins[0] }),
  watch() {
    watched = watchProcess();
  },
  /** What it took since: see `watchProcess`. */
  watched: () => watched(),
});
