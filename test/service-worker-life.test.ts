// From a page's first load to a worker that the browser ended: either what is sent is sealed, or nothing is handed out.
import { StaticKeys } from '@sealwire/core';
import type { BrowserContext, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startChromium } from './support/chromium.ts';
import { inChromium } from './support/playwright.ts';
import { startApp, startSealedApp } from './support/sealed-page.ts';
import { pin } from './support/servers.ts';

/** What the server saw of a call: its number in its session, or its refusal. */
function call(tab: Page): Promise<number | string> {
  return tab.evaluate(async () => {
    const response = await fetch('/echo', { method: 'POST', body: 'whortleberry' });
    return response.ok ? (await response.json()).n : response.headers.get('sealwire');
  });
}

function protocol(context: BrowserContext, tab: Page) {
  return context.newCDPSession(tab);
}

inChromium('the first load: refused before the page registered its worker, sealed after', async () => {
  const { open, wire } = await startSealedApp();
  const tab = await open();
  assert.is(await tab.evaluate('navigator.serviceWorker.controller'), null);
  assert.is(await call(tab), 'sealed-required');
  assert.is(await tab.evaluate('register()'), 'sealed');
  const before = wire().length;
  assert.is(await call(tab), 0);
  assert.not.match(wire().slice(before), 'whortleberry');
});

inChromium('every later load is sealed from its start', async () => {
  const { openSealed, open } = await startSealedApp();
  assert.is(await call(await openSealed()), 0);
  const tab = await open();
  assert.is(await call(tab), 1);
  assert.is(await tab.evaluate('register()'), 'sealed');
});

inChromium('registering does the handshake: the first call is one request', async () => {
  const { app, openSealed } = await startSealedApp();
  const tab = await openSealed();
  const before = app.requests.length;
  assert.is(await call(tab), 0);
  assert.equal(app.requests.slice(before), ['POST /echo']);
});

inChromium('a reload that bypasses the worker gets nothing that is not sealed', async () => {
  const { context, openSealed } = await startSealedApp();
  const tab = await openSealed();
  assert.is(await call(tab), 0);
  const reloaded = tab.waitForEvent('load');
  // As Shift and the reload button do.
  await (await protocol(context, tab)).send('Page.reload', { ignoreCache: true });
  await reloaded;
  await tab.waitForFunction('globalThis.register');
  assert.is(await tab.evaluate('navigator.serviceWorker.controller'), null);
  assert.is(await call(tab), 'sealed-required');
  // The page's own line brings it back, without another load.
  assert.is(await tab.evaluate('register()'), 'sealed');
  assert.is(await call(tab), 1);
});

inChromium('where the browser bypasses every worker, the page is told instead of sealed', async () => {
  const { context, open } = await startSealedApp();
  const tab = await open();
  const session = await protocol(context, tab);
  await session.send('Network.enable');
  await session.send('Network.setBypassServiceWorker', { bypass: true });
  assert.match(await tab.evaluate('register()'), /^worker-unavailable: .* pass it by/);
  assert.is(await call(tab), 'sealed-required');
});

inChromium('a server that answers every path with JSON is not taken for a worker', async () => {
  const { context, open } = await startSealedApp();
  const tab = await open();
  const session = await protocol(context, tab);
  await session.send('Network.enable');
  await session.send('Network.setBypassServiceWorker', { bypass: true });
  for (const json of [{}, [], true, 'sealed', { code: 'unheard-of' }]) {
    await tab.route('**/.well-known/sealwire-worker', (route) => route.fulfill({ json }));
    assert.match(
      await tab.evaluate('register()'),
      /^worker-unavailable: .* pass it by/,
      JSON.stringify(json),
    );
    await tab.unroute('**/.well-known/sealwire-worker');
  }
});

inChromium('a worker that cannot be had, or meets another server, is told by name', async () => {
  const others = await StaticKeys.generate(['X25519']);
  const { open } = await startSealedApp({ options: { identity: others.pins[0] } });
  const tab = await open();
  assert.match(await tab.evaluate("register('/missing.js')"), 'worker-unavailable: ');
  assert.match(await tab.evaluate("register('/worker.js')"), 'identity-mismatch: ');
});

inChromium(
  'under a strict policy with Trusted Types the page has to trust the URL of its worker',
  async () => {
    const { app, open } = await startSealedApp();
    app.policy =
      "script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types app";
    const tab = await open();
    assert.match(await tab.evaluate('register()'), /^worker-unavailable: /);
    const trusted =
      "trustedTypes.createPolicy('app', { createScriptURL: (url) => url }).createScriptURL('/worker.js')";
    assert.is(await tab.evaluate(`register(${trusted})`), 'sealed');
    assert.is(await call(tab), 0);
  },
);

inChromium('the post-quantum suite is there in a worker, which may load nothing later', async () => {
  const keys = await StaticKeys.generate();
  const { openSealed } = await startSealedApp({
    keys,
    options: { identity: keys.pins[0], suites: undefined },
  });
  const tab = await openSealed();
  const suite = await tab.evaluate(
    "fetch('/echo').then((response) => response.json()).then(({ suite }) => suite)",
  );
  assert.is(suite, 'MLKEM768-X25519');
});

inChromium('what the page sealed itself passes the worker as it is', async () => {
  const { app, openSealed } = await startSealedApp();
  const tab = await openSealed();
  const before = app.requests.length;
  const own = `makeSealedFetch('${pin}')('/echo', { method: 'POST', body: 'its own' })
    .then((response) => response.json()).then(({ body, n }) => [body, n])`;
  assert.equal(await tab.evaluate(own), ['its own', 0]);
  // The configuration may come of the browser's cache.
  assert.equal(app.requests.slice(before).slice(-2), ['POST /.well-known/sealwire/handshake', 'POST /echo']);
});

inChromium('two tabs share one worker and its session', async () => {
  const { context, openSealed } = await startSealedApp();
  const [one, other] = [await openSealed(), await openSealed()];
  assert.is(context.serviceWorkers().length, 1);
  const numbers = await Promise.all([call(one), call(other), call(one), call(other)]);
  assert.equal(numbers.sort(), [0, 1, 2, 3]);
});

inChromium('a worker that the browser ended comes back with a session of its own', async () => {
  const { app, origin, wire } = await startApp();
  // Playwright attaches to workers, which keeps them from being ended as a browser does it.
  const tab = await (await startChromium()).open(`${origin}/`);
  await tab.until('globalThis.register');
  assert.is(await tab.evaluate('register()'), 'sealed');
  const number = `fetch('/echo', { method: 'POST', body: 'whortleberry' })
    .then((response) => response.json()).then(({ n }) => n)`;
  assert.is(await tab.evaluate(number), 0);
  assert.is(await tab.evaluate(number), 1);
  await tab.send('ServiceWorker.enable');
  await tab.send('ServiceWorker.stopAllWorkers');
  while ((await tab.evaluate(number)) !== 0);
  assert.is(await tab.evaluate(number), 1);
  assert.is(app.requests.filter((each) => each === 'POST /.well-known/sealwire/handshake').length, 2);
  assert.not.match(wire(), 'whortleberry');
  // Nothing was kept: no database, no cache, no key.
  assert.equal(await tab.evaluate('Promise.all([indexedDB.databases(), caches.keys()])'), [[], []]);
});

test.run();
