// What a caller sees of a sealed fetch, and the app of its request, is what both see of the platform's fetch.
import express, { type Application } from 'express';
import type { Browser } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './support/bundles.ts';
import { it } from './support/cases.ts';
import { alike, isException, type Platform } from './support/fetch-cases/alike.ts';
import { tableFields, tableRoutes } from './support/fetch-cases/app.ts';
import { cases } from './support/fetch-cases/cases.ts';
import { observeAll } from './support/fetch-cases/run.ts';
import { inChromium, startBrowser } from './support/playwright.ts';
import { pin } from './support/servers.ts';
import { startTwins } from './support/twins.ts';

type Observed = Record<string, unknown>;

function compare(platform: Platform, [expected, actual]: [Observed, Observed]): void {
  const names = Object.keys(cases).filter((name) => !isException(platform, name));
  assert.ok(names.length > 350, `only ${names.length} cases`);
  assert.equal(Object.keys(expected), Object.keys(cases));
  for (const name of names) {
    assert.is.not(expected[name], 'it took too long', name);
    assert.equal(alike(actual[name], platform), alike(expected[name], platform), name);
  }
}

it('in Node, every call of the table', async () => {
  const { servers, sealed } = await startTwins(express, tableRoutes, { fields: tableFields });
  const both = Promise.all([
    observeAll(cases, fetch, servers.plain.origin),
    observeAll(cases, sealed as typeof fetch, servers.sealed.origin),
  ]);
  compare('Node', await both);
});

inChromium('in a page, every call of the table', async () => {
  const script = await bundle('browser', `import './support/fetch-cases/page.ts';`);
  const before = (app: Application) => {
    app.get('/page', (_req, res) => {
      res.cookie('of', 'the page').send('<!doctype html><script type="module" src="/page.js"></script>');
    });
    app.get('/page.js', (_req, res) => void res.type('text/javascript').send(script));
  };
  const { servers } = await startTwins(express, tableRoutes, { before, fields: tableFields });
  const browser = (await startBrowser()).browser() as Browser;
  /** In a page with cookies of its own. */
  async function observed(origin: string, identity?: string): Promise<Observed> {
    const page = await browser.newPage();
    await page.goto(`${origin}/page`);
    await page.waitForFunction('globalThis.observeTable');
    return page.evaluate((given) => observeTable(given), identity);
  }
  const both = Promise.all([observed(servers.plain.origin), observed(servers.sealed.origin, pin)]);
  compare('Chromium', await both);
});

test.run();
