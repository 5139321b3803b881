// A client key in a real browser: the same one for every tab and after a reload, and its secret nobody's.
import { createClientKey } from '@sealwire/client/client-key';
import { isThumbprint } from '@sealwire/core';
import express from 'express';
import type { BrowserContext, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './support/bundles.ts';
import { it } from './support/cases.ts';
import { inChromium, startBrowser } from './support/playwright.ts';
import { thrown } from './support/problems.ts';
import { pin, type SealedServer, startSealed } from './support/servers.ts';

const script = await bundle(
  'browser',
  `
import { createSealedFetch } from '@sealwire/client';
import { createClientKey } from '@sealwire/client/client-key';
globalThis.keyOf = createClientKey;
globalThis.thumbprintOf = async (name) => (await createClientKey({ name })).thumbprint;
globalThis.whoAmI = async (name) => {
  const clientKey = await createClientKey({ name });
  const sealedFetch = createSealedFetch({ origin: location.origin, identity: '${pin}', suites: ['X25519'], clientKey });
  return (await sealedFetch('/me')).text();
};`,
);

/** A server that says who asks, and a browser. */
async function start(): Promise<{ context: BrowserContext; server: SealedServer; open(): Promise<Page> }> {
  const server = await startSealed(
    express,
    (app) => {
      app.get('/me', (req, res) => void res.send(req.sealed?.client ?? 'nobody'));
    },
    {
      before(app) {
        app.get('/page', (_req, res) => void res.send('<script type="module" src="/page.js"></script>'));
        app.get('/page.js', (_req, res) => void res.type('js').send(script));
      },
    },
  );
  const context = await startBrowser();
  const open = async () => {
    const page = await context.newPage();
    await page.goto(`${server.origin}/page`);
    await page.waitForFunction('globalThis.keyOf');
    return page;
  };
  return { context, server, open };
}

inChromium('a key with a name is the same one after a reload and in another tab', async () => {
  const { open } = await start();
  const page = await open();
  const thumbprint = await page.evaluate("whoAmI('orders')");
  assert.ok(isThumbprint(thumbprint));
  await page.reload();
  await page.waitForFunction('globalThis.keyOf');
  assert.is(await page.evaluate("whoAmI('orders')"), thumbprint);
  const tab = await open();
  assert.is(await tab.evaluate("whoAmI('orders')"), thumbprint);
  assert.is.not(await tab.evaluate("thumbprintOf('other')"), thumbprint);
  assert.is.not(await tab.evaluate('thumbprintOf()'), await tab.evaluate('thumbprintOf()'));
});

inChromium('tabs that ask for a new key at once get one', async () => {
  const { open } = await start();
  const pages = await Promise.all(Array.from({ length: 4 }, open));
  const at = Date.now() + 500;
  // All begin in the same millisecond, with twenty names one after the other, three times each.
  const race = `(async () => {
    await new Promise((resolve) => setTimeout(resolve, ${at} - Date.now()));
    const found = [];
    for (let i = 0; i < 20; i++) {
      const name = 'race ' + i;
      found.push(await Promise.all([thumbprintOf(name), thumbprintOf(name), thumbprintOf(name)]));
    }
    return found;
  })()`;
  const found = (await Promise.all(pages.map((page) => page.evaluate(race)))) as string[][][];
  for (let i = 0; i < 20; i++) assert.is(new Set(found.flatMap((each) => each[i])).size, 1, `race ${i}`);
  assert.is(new Set(found.flat(2)).size, 20);
});

inChromium('no script gets at the secret: what is kept cannot be exported, by any means', async () => {
  const { open } = await start();
  const page = await open();
  const kept = (await page.evaluate(`(async () => {
    const key = await keyOf({ name: 'orders' });
    const database = await new Promise((resolve, reject) => {
      const opening = indexedDB.open('sealwire');
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    const getting = database.transaction('client-keys').objectStore('client-keys').get('orders');
    await new Promise((resolve) => (getting.onsuccess = resolve));
    const { privateKey, ...others } = getting.result;
    const failures = [];
    for (const format of ['pkcs8', 'jwk', 'raw'])
      failures.push(await crypto.subtle.exportKey(format, privateKey).then(() => 'exported', ({ name }) => name));
    const { type, extractable, usages, algorithm } = privateKey;
    return { type, extractable, usages, algorithm: algorithm.name, failures, others: Object.keys(others).sort(),
      ofKey: Object.keys(key).sort(), text: JSON.stringify(key) };
  })()`)) as Record<string, unknown>;
  const { text, ...rest } = kept;
  assert.equal(rest, {
    type: 'private',
    extractable: false,
    usages: ['sign'],
    algorithm: 'Ed25519',
    failures: ['InvalidAccessError', 'InvalidAccessError', 'InvalidAccessError'],
    others: ['alg', 'pub'],
    ofKey: ['alg', 'pub', 'sign', 'thumbprint'],
  });
  assert.not.match(String(text), '"d"');
});

inChromium('a browser without Ed25519 has a key on P-256, and keeps it', async () => {
  const { context, open } = await start();
  await context.addInitScript(`
    const { generateKey } = SubtleCrypto.prototype;
    SubtleCrypto.prototype.generateKey = function (algorithm, ...others) {
      if ((algorithm.name ?? algorithm) !== 'Ed25519') return generateKey.call(this, algorithm, ...others);
      return Promise.reject(new DOMException('Unrecognized name', 'NotSupportedError'));
    };`);
  const page = await open();
  assert.is(await page.evaluate("keyOf({ name: 'older' }).then(({ alg }) => alg)"), 'ES256');
  const thumbprint = await page.evaluate("whoAmI('older')");
  assert.ok(isThumbprint(thumbprint));
  await page.reload();
  await page.waitForFunction('globalThis.keyOf');
  assert.is(await page.evaluate("whoAmI('older')"), thumbprint);
});

inChromium('where a browser keeps nothing, the failure says so, and a key without a name works', async () => {
  const { server, context } = await start();
  const page = await context.newPage();
  await page.goto(`${server.origin}/page`);
  // A frame without an origin of its own has no storage.
  const html = `<script type="module">${script};
    const report = async (make) => make().then(() => 'made', ({ code, cause }) => code + ': ' + cause?.name);
    parent.postMessage([await report(() => keyOf({ name: 'orders' })), await report(() => keyOf())], '*');
  </script>`;
  const outcome = await page.evaluate(
    (srcdoc) =>
      new Promise((resolve) => {
        addEventListener('message', ({ data }) => resolve(data));
        const frame = document.createElement('iframe');
        frame.setAttribute('sandbox', 'allow-scripts');
        frame.srcdoc = srcdoc;
        document.body.append(frame);
      }),
    html,
  );
  assert.equal(outcome, ['client-key-unavailable: SecurityError', 'made']);
});

it('in Node there is no IndexedDB, but a key as long as it is needed', async () => {
  assert.ok(isThumbprint((await createClientKey()).thumbprint));
  await thrown(createClientKey({ name: 'orders' }), 'client-key-unavailable');
  for (const name of ['', 7, null] as string[]) await thrown(createClientKey({ name }), 'invalid-option');
});

test.run();
