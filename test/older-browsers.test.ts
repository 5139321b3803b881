// A browser that lacks what newer ones have: made of the machine's Chromium by taking that away.
import { gzipSync } from 'node:zlib';
import { StaticKeys, type SuiteName } from '@sealwire/core';
import express, { type Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './support/bundles.ts';
import { inChromium, startBrowser } from './support/playwright.ts';
import { keys as sharedKeys, startSealed } from './support/servers.ts';

const script = await bundle(
  'browser',
  `
import { createSealedFetch } from '@sealwire/client';
globalThis.makeSealedFetch = (identity, suites) =>
  createSealedFetch({ origin: location.origin, identity, ...(suites && { suites }) });`,
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

/** Chrome before 133, or Firefox 129; `name` is of the error that the platform fails with. */
const withoutX25519 = (name = 'NotSupportedError') => `
for (const method of ['generateKey', 'importKey']) {
  const original = crypto.subtle[method];
  crypto.subtle[method] = function (...args) {
    const isX25519 = args.some((each) => (each?.name ?? each) === 'X25519');
    if (!isX25519) return original.apply(this, args);
    return Promise.reject(new DOMException('X25519 does not work', '${name}'));
  };
}`;

/** The page of a sealed server, in a browser that is as `initScript` makes it. */
async function openPage(
  initScript: string,
  routes: (app: Application) => void,
  { keys = sharedKeys, suites }: { keys?: StaticKeys; suites?: readonly SuiteName[] } = {},
) {
  const { origin, pin } = await startSealed(express, routes, {
    keys,
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
  await page.waitForFunction('globalThis.makeSealedFetch');
  await page.evaluate(`globalThis.sealedFetch = makeSealedFetch('${pin}', ${JSON.stringify(suites)})`);
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

const suiteOfCall =
  "sealedFetch('/suite').then((response) => response.text(), (error) => error.code || error.name)";
const suiteRoute = (app: Application) => {
  app.get('/suite', (req, res) => void res.send(req.sealed?.suite));
};

inChromium('a browser without X25519 takes P-256 by itself', async () => {
  const page = await openPage(withoutX25519(), suiteRoute, { keys: await StaticKeys.generate() });
  assert.is(await page.evaluate(suiteOfCall), 'P-256');
});

inChromium('a suite that is not in the option `suites` is not taken in its place', async () => {
  const keys = await StaticKeys.generate();
  const page = await openPage(withoutX25519(), suiteRoute, { keys, suites: ['MLKEM768-X25519', 'X25519'] });
  assert.is(await page.evaluate(suiteOfCall), 'crypto-unavailable');
});

inChromium('a browser that can use no suite of the server says what it lacks', async () => {
  const page = await openPage(withoutX25519(), suiteRoute);
  const outcome = await page.evaluate("sealedFetch('/').catch(({ code, message }) => code + ': ' + message)");
  assert.match(outcome as string, /^crypto-unavailable: .* It lacks X25519\. The server offers X25519\.$/);
});

inChromium('X25519 that is there and fails leads to no other suite', async () => {
  const page = await openPage(withoutX25519('OperationError'), suiteRoute, {
    keys: await StaticKeys.generate(),
  });
  assert.is(await page.evaluate(suiteOfCall), 'OperationError');
});

test.run();
