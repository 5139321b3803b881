// A page in a real Chromium that calls a sealed API of another origin: its cookies, and where redirects may lead.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ApiLog, type ApiOptions, apis, openCrossOriginPage } from './support/cross-origin.ts';
import { inChromium } from './support/playwright.ts';
import { startProxy } from './support/proxies.ts';

for (const [name, startApi] of Object.entries(apis)) {
  const open = async (options: ApiOptions = {}) => {
    const page = await openCrossOriginPage();
    const log = new ApiLog();
    const api = await startApi(page.origin, log, options);
    return { page, log, api };
  };

  inChromium(`cookies go along with \`credentials: 'include'\` only (${name})`, async () => {
    const { page, api } = await open();
    const ask = await page.open(api);
    const who = async (credentials?: string) => (await ask('/whoami', { credentials })).text;
    // Without it the answer's cookie is not kept either.
    for (const credentials of [undefined, 'same-origin', 'omit']) {
      assert.is((await ask('/login', { credentials })).text, 'welcome');
      assert.is(await who('include'), 'nobody', credentials);
    }
    assert.is((await ask('/login', { credentials: 'include' })).text, 'welcome');
    assert.is(await who('include'), 'who=me');
    for (const credentials of [undefined, 'same-origin', 'omit']) assert.is(await who(credentials), 'nobody');
  });

  inChromium(`an API that allows no credentials is not asked with them (${name})`, async () => {
    const { page, log, api } = await open({ credentials: false });
    const ask = await page.open(api);
    assert.is((await ask('/whoami')).text, 'nobody');
    const { name: error, code } = await ask('/whoami', { credentials: 'include' });
    assert.equal([error, code], ['TypeError', undefined]);
    assert.is(log.sessions.length, 1);
  });

  inChromium(`a redirect inside is followed on the API's origin, body and all (${name})`, async () => {
    const { page, log, api } = await open();
    const ask = await page.open(api);
    const answer = await ask('/moved?to=/orders', {
      method: 'POST',
      body: 'tea',
      headers: { 'content-type': 'text/plain' },
    });
    assert.equal(
      [answer.status, answer.text, answer.url, answer.redirected],
      [201, 'tea', `${api.origin}/orders`, true],
    );
    assert.equal(log.requests.slice(-2), ['POST /moved?to=/orders', 'POST /orders']);
  });

  inChromium(
    `a redirect inside to the page's own origin is followed if it is told to, without a body (${name})`,
    async () => {
      const { page, api } = await open();
      const ask = await page.open(api);
      const away = `/moved?to=${encodeURIComponent(`${page.origin}/elsewhere`)}`;
      assert.is((await ask(away)).code, 'redirect-refused');
      const told = { otherOrigins: 'fetch' };
      assert.is((await ask(away, { method: 'POST', body: 'tea' }, told)).code, 'redirect-refused');
      assert.equal(page.asked, []);
      const answer = await ask(away, { headers: { authorization: 'Bearer x' } }, told);
      assert.equal(
        [answer.status, answer.text, answer.url, answer.redirected],
        [200, 'of the page', `${page.origin}/elsewhere`, true],
      );
      assert.equal(page.asked, ['GET /elsewhere']);
    },
  );

  inChromium(`a redirect by a proxy leads nowhere, and the error says what it was (${name})`, async () => {
    const { page, api, log } = await open();
    let forged: Record<string, string> | undefined;
    const proxy = await startProxy(api, {
      response(returning, { method, url }) {
        if (forged === undefined || method === 'OPTIONS' || url.startsWith('/.well-known/')) return;
        Object.assign(returning, { status: 302, headers: { ...forged } });
      },
    });
    const ask = await page.open(proxy);
    const told = { otherOrigins: 'fetch' };
    assert.is((await ask('/whoami', {}, told)).text, 'nobody');
    for (const location of [`${page.origin}/elsewhere`, '/whoami']) {
      // Without CORS headers no page may know of it, sealed or not.
      forged = { location };
      assert.is((await ask('/whoami', {}, told)).name, 'TypeError');
      forged = { location, 'access-control-allow-origin': page.origin };
      const { code, message } = await ask('/whoami', {}, told);
      assert.is(code, 'plaintext-answer');
      assert.match(message as string, /A redirect\.$/);
    }
    assert.equal(page.asked, []);
    // Once for each call.
    assert.is(log.requests.filter((each) => each === 'GET /whoami').length, 5);
  });

  inChromium(`a key configuration behind a redirect is none (${name})`, async () => {
    const { page, api } = await open();
    const proxy = await startProxy(api, {
      response(returning, { url }) {
        if (url !== '/.well-known/sealwire') return;
        const { headers } = returning;
        Object.assign(returning, {
          status: 302,
          headers: { ...headers, location: `${page.origin}/elsewhere` },
        });
      },
    });
    const { code, message } = await (await page.open(proxy))('/whoami');
    assert.is(code, 'configuration-unavailable');
    assert.match(message as string, /A redirect from .*\.$/);
    assert.equal(page.asked, []);
  });
}

test.run();
