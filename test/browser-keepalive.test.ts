// Calls with `keepalive` in a real browser: how long they may be, and that they outlive their page.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sleep } from './support/cases.ts';
import { inChromium } from './support/playwright.ts';
import { startSealedApp } from './support/sealed-page.ts';
import { openUploadPage } from './support/upload-page.ts';

const call = (size: number, fetch = 'sealedFetch') =>
  `${fetch}('/note', { method: 'POST', keepalive: true, body: 'x'.repeat(${size}) })
    .then((response) => response.text(), ({ name, message }) => name + ': ' + message)`;

inChromium('a body of nearly 64 KiB is sent, and a longer one fails as on the platform', async () => {
  const { app, page } = await openUploadPage('HTTP/1.1');
  assert.is(await page.evaluate(call(65_000)), 'noted');
  assert.is((await app.notes.next()).length, 65_000);
  // Sealed it is longer than what the platform takes: 65,536 bytes.
  assert.is(await page.evaluate(call(65_536)), 'TypeError: Failed to fetch');
  assert.is(await page.evaluate(call(65_537, 'fetch')), 'TypeError: Failed to fetch');
  assert.is(await page.evaluate(call(1)), 'noted');
});

inChromium('a call arrives though its page goes elsewhere at once', async () => {
  const { app, page } = await openUploadPage('HTTP/1.1');
  await page.evaluate('sealedFetch.ready()');
  await page.evaluate(`(${call(1000)}, (location.href = '/elsewhere'), 0)`);
  assert.is((await app.notes.next()).length, 1000);
  await page.waitForURL('**/elsewhere');
});

inChromium('what a page tells while it goes away is sealed by a service worker', async () => {
  const { app, openSealed, wire } = await startSealedApp();
  const tab = await openSealed();
  await tab.evaluate("addEventListener('pagehide', () => navigator.sendBeacon('/echo', 'mulberry'))");
  await tab.goto('about:blank');
  while (!app.requests.includes('POST /echo')) await sleep(20);
  assert.not.match(wire(), 'mulberry');
});

test.run();
