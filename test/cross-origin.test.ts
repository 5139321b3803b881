// A page in a real Chromium that calls a sealed server of another origin, which has cors() with lists of its own.
import { MemorySessionStore } from '@sealwire/core';
import cors from 'cors';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './support/bundles.ts';
import { frameworks } from './support/cases.ts';
import { startChromium } from './support/chromium.ts';
import { cors as koaCors, koas, startKoa } from './support/koa.ts';
import { needing } from './support/needs.ts';
import { listen, pin, startSealed } from './support/servers.ts';

const inChromium = needing('chromium', test);

/** A page of its own origin, whose script makes `ask`. */
async function startPage() {
  const script = await bundle(
    'browser',
    `
import { createSealedFetch } from '@sealwire/client';
let sealedFetch;
globalThis.ask = async (origin, identity, path, init) => {
  sealedFetch ??= createSealedFetch({ origin, identity, suites: ['X25519'] });
  try {
    const response = await sealedFetch(path, init);
    return [response.status, await response.text(), response.headers.get('x-mine')];
  } catch (error) {
    return String(error);
  }
};
document.title = 'ready';`,
  );
  return listen((req, res) => {
    const asked = req.url === '/page.js';
    res.setHeader('content-type', asked ? 'text/javascript' : 'text/html');
    res.end(asked ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
}

const store = new MemorySessionStore();
let sid = '';

/** The same server by framework: its lists name nothing but what the guide on mounting says. */
const servers: Record<string, (origin: string) => Promise<{ origin: string }>> = {
  Express: (origin) =>
    startSealed(
      (frameworks[1] as (typeof frameworks)[0]).express,
      (app, express) => {
        app.post('/orders', express.text(), (req, res) => {
          sid = req.sealed?.sid as string;
          res.status(201).set('x-mine', 'shown').send(req.body);
        });
        app.put('/broken', () => {
          throw Object.assign(new Error('on purpose'), { status: 418, expose: true });
        });
      },
      {
        store,
        before: (app) =>
          void app.use(
            cors({ origin, allowedHeaders: ['Sealwire', 'Content-Type'], exposedHeaders: ['X-Other'] }),
          ),
      },
    ),
  Koa: (origin) =>
    startKoa(
      koas[1].Koa,
      (app) => {
        app.use(async (ctx) => {
          if (ctx.path === '/broken') ctx.throw(418, 'on purpose');
          sid = ctx.sealed?.sid as string;
          ctx.status = 201;
          ctx.set('x-mine', 'shown');
          ctx.body = ctx.req;
        });
      },
      {
        store,
        before: (app) =>
          void app.use(koaCors({ origin, allowHeaders: 'Sealwire,Content-Type', exposeHeaders: 'X-Other' })),
      },
    ),
};

for (const [name, start] of Object.entries(servers)) {
  inChromium(
    `a page of another origin calls, and makes another session when it has to (${name})`,
    async () => {
      const { origin: pageOrigin } = await startPage();
      const server = await start(pageOrigin);
      const page = await (await startChromium()).open(`${pageOrigin}/`);
      await page.until("document.title === 'ready'");
      const ask = (path: string, init: object) =>
        page.evaluate(`ask(${[server.origin, pin, path, init].map((each) => JSON.stringify(each)).join()})`);
      const order = { method: 'POST', body: 'tea', headers: { 'content-type': 'text/plain' } };
      assert.equal(await ask('/orders', order), [201, 'tea', 'shown']);
      const first = sid;

      // Why it was refused is in the body, which the page may read as it may the answers.
      await store.end(sid, Date.now());
      assert.equal(await ask('/orders', order), [201, 'tea', 'shown']);
      assert.is.not(sid, first);

      // What goes wrong behind sealwire() is readable, too.
      const [status, text] = (await ask('/broken', { method: 'PUT' })) as [number, string];
      assert.is(status, 418);
      assert.match(text, 'on purpose');
    },
  );
}

test.run();
