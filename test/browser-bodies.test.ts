// Bodies in a real browser: what those who read or send them hear of how it went.
import express, { type Application } from 'express';
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './support/bundles.ts';
import { inChromium, startBrowser } from './support/playwright.ts';
import { pin, type SealedServer, startSealed } from './support/servers.ts';

const script = await bundle(
  'browser',
  `
import { createSealedFetch } from '@sealwire/client';
globalThis.makeSealedFetch = (identity) =>
  createSealedFetch({ origin: location.origin, identity, suites: ['X25519'] });`,
);

/** A page of a sealed server, with a sealed fetch of its own as `sealedFetch`. */
async function openPage(routes: (app: Application) => void): Promise<{ page: Page; server: SealedServer }> {
  const server = await startSealed(express, routes, {
    before(app) {
      app.get('/page', (_req, res) => {
        res.send('<!doctype html><script type="module" src="/page.js"></script>');
      });
      app.get('/page.js', (_req, res) => void res.type('js').send(script));
    },
  });
  const page = await (await startBrowser()).newPage();
  await page.goto(`${server.origin}/page`);
  await page.waitForFunction('globalThis.makeSealedFetch');
  await page.evaluate(`globalThis.sealedFetch = makeSealedFetch('${pin}')`);
  return { page, server };
}

inChromium('a body that fails says why, in whatever way it is read', async () => {
  const { page } = await openPage((app) => {
    app.get('/unknown', (_req, res) => void res.set('content-encoding', 'unknown').send('x'));
  });
  const codes = await page.evaluate(`(async () => {
    const codes = {};
    const code = (error) => error.code;
    for (const name of ['arrayBuffer', 'blob', 'formData', 'json', 'text']) {
      const response = await sealedFetch('/unknown');
      const clone = response.clone();
      codes[name] = [await response[name]().catch(code), await clone[name]().catch(code)];
      codes[name].push(await response[name]().catch((error) => error.name));
    }
    const { body } = await sealedFetch('/unknown');
    codes.stream = [await body.getReader().read().catch(code)];
    codes.integrity = [await sealedFetch('/unknown', { integrity: 'sha256-${'A'.repeat(43)}=' }).catch(code)];
    return codes;
  })()`);
  const whole = ['encoding-unknown', 'encoding-unknown', 'TypeError'];
  assert.equal(codes, {
    ...Object.fromEntries(['arrayBuffer', 'blob', 'formData', 'json', 'text'].map((name) => [name, whole])),
    stream: ['encoding-unknown'],
    integrity: ['encoding-unknown'],
  });
});

test.run();
