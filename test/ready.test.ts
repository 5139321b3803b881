// `ready()` at page load: the first call after it is one request, as it would be without Sealwire.
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './support/bundles.ts';
import { frameworks, it } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { inChromium, startBrowser } from './support/playwright.ts';
import { pin, startSealed } from './support/servers.ts';

async function start(before: (app: Application) => void = () => {}) {
  const { express } = frameworks[1] as (typeof frameworks)[0];
  const server = await startSealed(
    express,
    (app) => {
      app.post('/order', express.text(), (req, res) => {
        res.send(req.body);
      });
    },
    { before },
  );
  const requests: string[] = [];
  server.server.on('request', ({ method, url }) => requests.push(`${method} ${url}`));
  return { server, requests };
}

const ahead = ['GET /.well-known/sealwire', 'POST /.well-known/sealwire/handshake'];

it('in Node', async () => {
  const { server, requests } = await start();
  const sealedFetch = clientOf(server);
  await sealedFetch.ready();
  assert.equal(requests, ahead);
  assert.is(await (await sealedFetch('/order', { method: 'POST', body: 'tea' })).text(), 'tea');
  await sealedFetch.ready();
  assert.equal(requests, [...ahead, 'POST /order']);
});

inChromium('in Chromium', async () => {
  const script = await bundle(
    'browser',
    `import { createSealedFetch } from '@sealwire/client';
    const { origin } = location;
    globalThis.sealedFetch = createSealedFetch({ origin, identity: '${pin}', suites: ['X25519'] });
    sealedFetch.ready().then(() => { document.title = 'ready'; });`,
  );
  const { server, requests } = await start((app) => {
    app.get('/', (_req, res) => {
      res.send(
        '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
      );
    });
    app.get('/page.js', (_req, res) => {
      res.type('js').send(script);
    });
  });
  const tab = await (await startBrowser()).newPage();
  await tab.goto(server.origin);
  await tab.waitForFunction("document.title === 'ready'");
  const page = ['GET /', 'GET /page.js'];
  assert.equal(requests, [...page, ...ahead]);
  const order = "sealedFetch('/order', { method: 'POST', body: 'tea' }).then((response) => response.text())";
  assert.is(await tab.evaluate(order), 'tea');
  assert.equal(requests, [...page, ...ahead, 'POST /order']);
});

test.run();
