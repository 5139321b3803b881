// xhrFetch() in a real browser does for uploads what the platform's fetch does.
import express, { type Application } from 'express';
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './support/bundles.ts';
import { inChromium, startBrowser } from './support/playwright.ts';
import { pin, startSealed } from './support/servers.ts';

const script = await bundle(
  'browser',
  `
import { createSealedFetch } from '@sealwire/client';
import { xhrFetch } from '@sealwire/client/xhr';
const sealedFetch = createSealedFetch({ origin: location.origin, identity: '${pin}', fetch: xhrFetch() });
const onUploadProgress = () => {};
globalThis.byXhr = xhrFetch();
globalThis.upload = (path, init) => sealedFetch(path, { method: 'POST', body: 'tea', onUploadProgress, ...init });
/** What sent the last request to a path: "xmlhttprequest" or "fetch". */
globalThis.sender = (path) => performance.getEntriesByName(new URL(path, location).href).at(-1).initiatorType;`,
);

/** What is behind Sealwire. */
function routes(app: Application): void {
  app.post('/created', express.text({ type: '*/*' }), (req, res) => {
    res
      .status(201)
      .set('x-made', 'yes')
      .json([req.body, req.headers.cookie ?? 'none']);
  });
  app.post('/nothing', (req, res) => void req.resume().on('end', () => res.status(204).end()));
}

/** What is in front of it, as anybody on the way could be. */
function middle(app: Application): void {
  app.get('/page', (_req, res) => {
    res.cookie('of', 'the page').send('<!doctype html><script type="module" src="/page.js"></script>');
  });
  app.get('/page.js', (_req, res) => void res.type('js').send(script));
  app.post('/gateway', (_req, res) => void res.status(502).set('x-by', 'a gateway').send('Bad Gateway'));
  app.post('/moved', (_req, res) => res.redirect(307, '/created'));
  app.post('/broken', (req) => void req.socket.destroy());
}

async function openPage(): Promise<Page> {
  const { origin } = await startSealed(express, routes, { before: middle });
  const page = await (await startBrowser()).newPage();
  await page.goto(`${origin}/page`);
  await page.waitForFunction('globalThis.upload');
  return page;
}

inChromium('an answer has status, fields, body and its outer side', async () => {
  const page = await openPage();
  const seen = await page.evaluate(`(async () => {
    const response = await upload('/created');
    const { status, statusText, ok, url, type, sealed } = response;
    const made = response.headers.get('x-made');
    const outer = [sealed.status, sealed.outer.get('content-type'), sealed.outer.get('x-made')];
    return [await response.json(), status, statusText, ok, new URL(url).pathname, type, made, outer, sender(url)];
  })()`);
  assert.equal(seen, [
    ['tea', 'of=the%20page'],
    201,
    'Created',
    true,
    '/created',
    'basic',
    'yes',
    [201, 'application/vnd.sealwire', null],
    'xmlhttprequest',
  ]);
  assert.equal(await page.evaluate("upload('/nothing').then(({ status, body }) => [status, body])"), [
    204,
    null,
  ]);
});

inChromium('what answers in plaintext is not believed, be it a redirect that was followed', async () => {
  const page = await openPage();
  const failure = (path: string) =>
    page.evaluate(`upload('${path}').catch(async ({ code, untrusted: { type, status, headers, body } }) =>
      [code, type, status, headers.get('x-by'), body && (await new Response(body).text())])`);
  assert.equal(await failure('/gateway'), ['plaintext-answer', 'default', 502, 'a gateway', 'Bad Gateway']);
  assert.equal(await failure('/moved'), ['plaintext-answer', 'opaqueredirect', 0, null, null]);
});

inChromium('a network that fails and a signal that aborts end it as they end fetch', async () => {
  const page = await openPage();
  assert.is(await page.evaluate("upload('/broken').catch(({ name }) => name)"), 'TypeError');
  const aborted = await page.evaluate(`(async () => {
    await upload('/created');
    const before = new AbortController();
    before.abort('before');
    const after = new AbortController();
    const call = upload('/created', { body: new Uint8Array(1_000_000), signal: after.signal });
    setTimeout(() => after.abort('after'));
    return Promise.all([upload('/created', { signal: before.signal }), call].map((each) => each.catch((e) => e)));
  })()`);
  assert.equal(aborted, ['before', 'after']);
});

inChromium('a URL is resolved as fetch resolves it, and one that is none fails as there', async () => {
  const page = await openPage();
  const outcome = (url: string) =>
    page.evaluate(`byXhr('${url}', { method: 'POST', body: 'tea', onSent() {} }).then(
      ({ status, headers }) => [status, headers.get('x-by')], ({ name }) => name)`);
  assert.equal(await outcome('gateway#fragment'), [502, 'a gateway']);
  assert.is(await outcome('http://'), 'TypeError');
});

inChromium('what XMLHttpRequest cannot say, and what needs no progress, is left to fetch', async () => {
  const page = await openPage();
  const asked = (init: string) =>
    page.evaluate(
      `upload('/created', ${init}).then(async (r) => [(await r.json())[1], sender('/created')], (e) => e.message)`,
    );
  assert.equal(await asked("{ credentials: 'omit' }"), ['none', 'fetch']);
  assert.equal(await asked('{ keepalive: true }'), ['of=the%20page', 'fetch']);
  assert.equal(await asked("{ referrerPolicy: 'no-referrer' }"), ['of=the%20page', 'fetch']);
  assert.equal(await asked('{ onUploadProgress: undefined }'), ['of=the%20page', 'fetch']);
  assert.equal(await asked("{ credentials: 'include' }"), ['of=the%20page', 'xmlhttprequest']);
});

test.run();
