// Libraries over a sealed fetch in a real browser: what a page sees is what it sees over the platform's fetch.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import express, { type Application } from 'express';
import { type Browser, chromium, type Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { within } from './support/cases.ts';
import { findChromium } from './support/chromium.ts';
import { libraryFields, libraryRoutes } from './support/libraries/app.ts';
import { behaviours, libraries, libraryOf } from './support/libraries/behaviours.ts';
import { needing } from './support/needs.ts';
import { pin } from './support/servers.ts';
import { startTwins } from './support/twins.ts';

const inChromium = needing('chromium', test);

/** Browsers send no stream over HTTP/1.1, sealed or not, and these libraries make one of what they report on. */
const onlyOverHttp2 = ['ky: it reports how far an upload is', 'axios: it reports how far an upload is'];

let browser: Browser | undefined;
/** One for the platform's fetch, one for the sealed: they need not wait for each other. */
let pages: { plain: Page; sealed: Page };
let script: string;

async function startPages(): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('support/libraries/page.ts', import.meta.url))],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    target: 'es2022',
    conditions: ['sealwire-source'],
  });
  script = outputFiles[0]?.text as string;
  browser = await chromium.launch({ executablePath: findChromium() as string, args: ['--no-sandbox'] });
  pages = { plain: await browser.newPage(), sealed: await browser.newPage() };
}

test.after(() => browser?.close());

/** The page itself is not sealed: a browser loads it. */
function pageRoutes(app: Application): void {
  app.get('/page', (_req, res) =>
    res.send('<!doctype html><title>A page</title><script src="/page.js"></script>'),
  );
  app.get('/page.js', (_req, res) => res.type('text/javascript').send(script));
}

/** The routes of the libraries, for both servers, and what has them forget all that was called before. */
function forgetfulRoutes(): { routes: typeof libraryRoutes; forget(): void } {
  const renewals: (() => void)[] = [];
  return {
    routes(app, version) {
      let current: Application;
      renewals.push(() => {
        current = version();
        libraryRoutes(current, version);
      });
      app.use((req, res, next) => current(req, res, next));
    },
    forget() {
      for (const renew of renewals) renew();
    },
  };
}

for (const library of libraries) {
  inChromium(`${library} in a page`, async () => {
    if (browser === undefined) await startPages();
    const { routes, forget } = forgetfulRoutes();
    const { servers } = await startTwins(express, routes, { before: pageRoutes, fields: libraryFields });
    await pages.plain.goto(`${servers.plain.origin}/page`);
    await pages.sealed.goto(`${servers.sealed.origin}/page`);
    const names = Object.keys(behaviours).filter((name) => libraryOf(name) === library);
    for (const name of names.filter((each) => !onlyOverHttp2.includes(each))) {
      forget();
      const both = Promise.all([
        pages.plain.evaluate((each) => behave(each), name),
        pages.sealed.evaluate(([each = '', identity]) => behave(each, identity), [name, pin]),
      ]);
      const [expected, actual] = await within(both, name, 20_000);
      assert.is.not(expected, undefined, name);
      assert.equal(actual, expected, name);
    }
  });
}

test.run();
