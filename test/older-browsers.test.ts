// A browser that lacks what newer ones have: made of the machine's Chromium by taking that away.
import { gzipSync } from 'node:zlib';
import express, { type Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './support/bundles.ts';
import { inChromium, startBrowser } from './support/playwright.ts';
import { pin, startSealed } from './support/servers.ts';

const script = await bundle(
  'browser',
  `
import { createSealedFetch } from '@sealwire/client';
globalThis.sealedFetch = createSealedFetch({ origin: location.origin, identity: '${pin}' });`,
);

/** Safari before 26.4: no stream has the type "bytes". */
const withoutByteStreams = `
delete globalThis.ReadableByteStreamController;
globalThis.ReadableStream = new Proxy(ReadableStream, {
  construct(Stream, [source, strategy]) {
    if (source?.type === 'bytes') throw new TypeError('ReadableByteStreamController is not implemented');
    return new Stream(source, strategy);
  },
});`;

/** Chrome before 137. */
const withoutEd25519 = `
const importKey = crypto.subtle.importKey;
crypto.subtle.importKey = function (...args) {
  if (args[2]?.name !== 'Ed25519') return importKey.apply(this, args);
  return Promise.reject(new DOMException('Algorithm: Unrecognized name', 'NotSupportedError'));
};`;

/** The page of a sealed server, in a browser that is as `initScript` makes it. */
async function openPage(initScript: string, routes: (app: Application) => void) {
  const { origin } = await startSealed(express, routes, {
    before(app) {
      app.get('/page', (_req, res) => {
        res.send('<!doctype html><script type="module" src="/script.js"></script>');
      });
      app.get('/script.js', (_req, res) => {
        res.type('text/javascript').send(script);
      });
    },
  });
  const context = await startBrowser();
  await context.addInitScript(initScript);
  const page = await context.newPage();
  await page.goto(`${origin}/page`);
  await page.waitForFunction('globalThis.sealedFetch');
  return page;
}

inChromium('a browser without byte streams reads responses all the same', async () => {
  const received: string[] = [];
  const page = await openPage(withoutByteStreams, (app) => {
    app.post('/text', express.text(), (req, res) => {
      received.push(req.body);
      res.send('tea');
    });
    app.get('/gzip', (_req, res) => {
      res.set('content-encoding', 'gzip').send(gzipSync('x'.repeat(100_000)));
    });
    app.get('/endless', (_req, res) => {
      res.on('close', () => received.push('closed'));
      res.write('first');
    });
  });
  const outcome = await page.evaluate(`(async () => {
    const answer = await sealedFetch('/text', { method: 'POST', body: 'cake' });
    const long = await sealedFetch('/gzip');
    const reader = (await sealedFetch('/endless')).body.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    return [await answer.text(), (await long.text()).length, new TextDecoder().decode(value)];
  })()`);
  assert.equal(outcome, ['tea', 100_000, 'first']);
  while (received.length < 2) await page.waitForTimeout(10);
  assert.equal(received, ['cake', 'closed']);
});

inChromium('a browser that cannot check the pin says so, and does not accuse the server', async () => {
  const page = await openPage(withoutEd25519, () => {});
  const outcome = await page.evaluate("sealedFetch('/').catch(({ code, message }) => code + ': ' + message)");
  assert.match(outcome as string, /^crypto-unavailable: .* It lacks Ed25519/);
});

test.run();
