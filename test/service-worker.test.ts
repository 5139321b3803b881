// A page that knows nothing of Sealwire: what it sends by the platform's own means is sealed by its service worker.
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inChromium, until } from './support/playwright.ts';
import { startSealedApp } from './support/sealed-page.ts';

/** What fetch comes to in a page. */
function asked(tab: Page, path: string, init: RequestInit = {}) {
  return tab.evaluate(
    async ([url, options]) => {
      try {
        const response = await fetch(url, options);
        const { status, type, redirected } = response;
        const headers = Object.fromEntries(response.headers);
        return { status, type, redirected, url: response.url, headers, text: await response.text() };
      } catch (error) {
        return String(error);
      }
    },
    [path, init] as const,
  );
}

async function answered(tab: Page, path: string, init?: RequestInit) {
  const answer = await asked(tab, path, init);
  if (typeof answer === 'string') throw new Error(answer);
  return answer;
}

/** Asserts that fetch fails as it does on the network. */
async function fails(tab: Page, path: string, init?: RequestInit): Promise<void> {
  assert.match(String(await asked(tab, path, init)), 'TypeError');
}

/** What the page was told of calls that failed; the worker tells it a little later than the call itself. */
async function failures(tab: Page, count = 0): Promise<unknown> {
  await until(tab, `failures.length >= ${count}`);
  return tab.evaluate('failures');
}

inChromium('fetch: method, fields and body arrive sealed, and the response is what it would be', async () => {
  const { openSealed, origin, wire } = await startSealedApp();
  const tab = await openSealed();
  const headers = { 'content-type': 'text/x-fruit', 'x-api-key': 'medlar', authorization: 'Bearer quince' };
  const answer = await answered(tab, '/echo?a=1', { method: 'PUT', headers, body: 'gooseberry' });
  const echo = JSON.parse(answer.text);
  assert.equal([echo.method, echo.url, echo.body, echo.n], ['PUT', '/echo?a=1', 'gooseberry', 0]);
  for (const [name, value] of Object.entries(headers)) assert.is(echo.headers[name], value);
  assert.equal(
    [answer.status, answer.type, answer.redirected, answer.url],
    [200, 'basic', false, `${origin}/echo?a=1`],
  );
  assert.match(answer.headers['content-type'] as string, 'application/json');
  assert.match(answer.headers.date as string, 'GMT');
  assert.is((await answered(tab, '/echo', { method: 'HEAD' })).status, 200);
  for (const word of ['medlar', 'quince', 'gooseberry', 'x-fruit']) assert.not.match(wire(), word);
});

inChromium('a body of 3 MB arrives whole over HTTP/1.1, where a browser cannot send a stream', async () => {
  const { openSealed } = await startSealedApp();
  const tab = await openSealed();
  const length = await tab.evaluate(async () => {
    const response = await fetch('/echo', { method: 'POST', body: 'quince'.repeat(500_000) });
    return (await response.json()).body.length;
  });
  assert.is(length, 3_000_000);
});

inChromium('the page decides what becomes of a redirect', async () => {
  const { openSealed, origin } = await startSealedApp();
  const tab = await openSealed();
  const post = { method: 'POST', body: 'peach' };
  const seeOther = await answered(tab, '/moved/302?to=/echo', post);
  assert.equal(
    [seeOther.redirected, seeOther.url, JSON.parse(seeOther.text).method],
    [true, `${origin}/echo`, 'GET'],
  );
  const again = JSON.parse((await answered(tab, '/moved/307?to=echo/../../echo', post)).text);
  assert.equal([again.method, again.body], ['POST', 'peach']);
  assert.is((await answered(tab, '/moved/302?to=/echo', { redirect: 'manual' })).type, 'opaqueredirect');
  await fails(tab, '/moved/302?to=/echo', { redirect: 'error' });
  assert.equal(await failures(tab), []);
});

inChromium('a redirect takes nothing that was sealed to another origin', async () => {
  const { openSealed, server } = await startSealedApp();
  const tab = await openSealed();
  // The same server by its other name: it would answer.
  const elsewhere = encodeURIComponent(`http://localhost:${server.port}/`);
  for (const status of [302, 307]) {
    const post = { method: 'POST', body: 'peach' };
    await fails(tab, `/moved/${status}?to=${elsewhere}`, post);
  }
  assert.equal(await failures(tab, 2), [
    ['redirect-refused', 'POST', '/moved/302'],
    ['redirect-refused', 'POST', '/moved/307'],
  ]);
  // A link is followed.
  await tab.goto(`${new URL(tab.url()).origin}/moved/302?to=${elsewhere}`);
  assert.is(tab.url(), decodeURIComponent(elsewhere));
});

inChromium('XMLHttpRequest, with the events of a download', async () => {
  const { openSealed, wire } = await startSealedApp();
  const tab = await openSealed();
  const told = await tab.evaluate(
    () =>
      new Promise<unknown[]>((resolve) => {
        const request = new XMLHttpRequest();
        const types: string[] = [];
        for (const type of ['loadstart', 'progress', 'load', 'loadend'] as const)
          request.addEventListener(type, () => types.push(type));
        request.addEventListener('loadend', () => {
          const { status, response, responseURL } = request;
          resolve([status, response.body, new URL(responseURL).pathname, [...new Set(types)]]);
        });
        request.open('POST', '/echo');
        request.setRequestHeader('x-requested-with', 'XMLHttpRequest');
        request.responseType = 'json';
        request.send('raspberry');
      }),
  );
  assert.equal(told, [200, 'raspberry', '/echo', ['loadstart', 'progress', 'load', 'loadend']]);
  assert.not.match(wire(), 'raspberry');
});

inChromium('EventSource: 20 events come one by one, and the server learns that the page left', async () => {
  const { app, openSealed, wire } = await startSealedApp();
  const tab = await openSealed();
  await tab.evaluate(() => {
    const source = new EventSource('/feed');
    const got: string[] = [];
    source.onmessage = ({ data }) => got.push(data);
    Object.assign(globalThis, { source, got });
  });
  const feed = await app.open.next();
  for (let i = 1; i <= 20; i++) {
    feed.write(`data: damson ${i}\n\n`);
    await tab.waitForFunction(`got.length === ${i} && got.at(-1) === 'damson ${i}'`);
  }
  await tab.evaluate('source.close()');
  assert.is(await app.closed.next('the end of the feed'), '/feed');
  assert.not.match(wire(), 'damson');
});

inChromium('a form with a file, sent by its button; the policy of the page that answers holds', async () => {
  const { openSealed, wire } = await startSealedApp();
  const tab = await openSealed();
  await tab.fill('[name=word]', 'elderberry');
  const file = { name: 'cloudberry.txt', mimeType: 'text/plain', buffer: Buffer.from('what is in the file') };
  await tab.setInputFiles('[name=file]', file);
  await tab.click('button');
  await tab.waitForFunction("document.title === 'Thanks'");
  const shown = await tab.textContent('pre');
  for (const word of ['elderberry', 'cloudberry.txt', 'what is in the file']) {
    assert.match(shown as string, word);
    assert.not.match(wire(), word);
  }
  const refused = await tab.evaluate(
    () =>
      new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.violatedDirective));
        document.body.append(Object.assign(new Image(), { src: '/echo' }));
      }),
  );
  assert.is(refused, 'img-src');
});

inChromium('sendBeacon, ranges, integrity', async () => {
  const { openSealed, wire } = await startSealedApp();
  const tab = await openSealed();
  assert.ok(await tab.evaluate("navigator.sendBeacon('/echo', 'mulberry')"));
  const part = await answered(tab, '/file', { headers: { range: 'bytes=0-9' } });
  assert.equal([part.status, part.text.length], [206, 10]);
  assert.match(part.headers['content-range'] as string, 'bytes 0-9/');
  const integrity = `sha256-${Buffer.alloc(32).toString('base64')}`;
  await fails(tab, '/echo', { integrity });
  assert.not.match(wire(), 'mulberry');
});

inChromium('sound, which is asked for by ranges', async () => {
  const { app, openSealed, wire } = await startSealedApp();
  const tab = await openSealed();
  const load = `new Promise((resolve) => {
    const audio = new Audio('/sound');
    audio.onloadedmetadata = () => { audio.currentTime = 3; };
    audio.onseeked = () => resolve([audio.duration, audio.currentTime]);
    audio.onerror = () => resolve(audio.error.message);
  })`;
  assert.equal(await tab.evaluate(load), [4, 3]);
  assert.match(app.ranges.join(), /bytes=0-/);
  assert.not.match(wire(), 'WAVEfmt');
});

inChromium('an abort ends the call at once, and the response for the server, too', async () => {
  const { app, openSealed } = await startSealedApp();
  const tab = await openSealed();
  const begin = (path: string) =>
    tab.evaluate((url) => {
      const controller = new AbortController();
      const { signal } = controller;
      const read = fetch(url, { signal }).then(async (response) => {
        const reader = (response.body as ReadableStream).getReader();
        await reader.read();
        Object.assign(globalThis, { reading: true });
        await reader.read();
      });
      Object.assign(globalThis, { controller, outcome: read.catch(({ name }) => name) });
    }, path);
  await begin('/waiting');
  await app.open.next();
  await tab.evaluate('controller.abort()');
  assert.is(await tab.evaluate('outcome'), 'AbortError');
  await begin('/feed');
  (await app.open.next()).write('data: x\n\n');
  await tab.waitForFunction('globalThis.reading');
  await tab.evaluate('controller.abort()');
  assert.is(await tab.evaluate('outcome'), 'AbortError');
  assert.is(await app.closed.next('the end of the response'), '/feed');
});

inChromium('what is not sealed, or cut short, is a network error, and the page hears why', async () => {
  const { openSealed } = await startSealedApp();
  const tab = await openSealed();
  await fails(tab, '/forgotten');
  await fails(tab, '/echo', { headers: { 'x-unlisted': 'x' } });
  await fails(tab, '/cut');
  assert.equal(await failures(tab, 2), [
    ['plaintext-answer', 'GET', '/forgotten'],
    ['field-not-listed', 'GET', '/echo'],
  ]);
});

inChromium('what carries a body is sealed also where a public file is', async () => {
  const { openSealed, wire } = await startSealedApp();
  const tab = await openSealed();
  assert.is((await answered(tab, '/')).status, 200);
  assert.is((await answered(tab, '/', { method: 'POST', body: 'huckleberry' })).status, 404);
  assert.not.match(wire(), 'huckleberry');
});

inChromium('an API on another origin, with cookies and errors', async () => {
  const { context, openSealed, origin, wire } = await startSealedApp({ api: true });
  await context.addCookies([{ name: 'session', value: 'kept', url: origin }]);
  const tab = await openSealed();
  assert.is.not(new URL(tab.url()).origin, origin);
  const init = { method: 'POST', body: 'bilberry', credentials: 'include' } as const;
  const { body, headers } = JSON.parse((await answered(tab, `${origin}/echo`, init)).text);
  assert.equal(
    [body, headers.origin, headers.cookie],
    ['bilberry', new URL(tab.url()).origin, 'session=kept'],
  );
  const without = JSON.parse((await answered(tab, `${origin}/echo`)).text);
  assert.is(without.headers.cookie, undefined);
  assert.is((await answered(tab, `${origin}/nothing-there`)).status, 404);
  // What is for the page's own origin is none of the worker's business.
  assert.is((await answered(tab, '/forgotten')).text, 'in the clear');
  assert.not.match(wire(), 'bilberry');
  assert.equal(await failures(tab), []);
});

test.run();
