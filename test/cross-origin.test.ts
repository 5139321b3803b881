// A page in a real Chromium that calls a sealed API of another origin: preflights, and how it recovers by itself.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connectionsGone } from './support/clients.ts';
import {
  ApiLog,
  type Asked,
  apis,
  openCrossOriginPage,
  twoKeysOfOneIdentity,
} from './support/cross-origin.ts';
import { inChromium } from './support/playwright.ts';

/** Orders tea, and gets it. */
async function orders(ask: (path: string, init: object) => Promise<Asked>): Promise<void> {
  const answer = await ask('/orders', order);
  assert.is(answer.text, 'tea', JSON.stringify(answer));
}

const order = { method: 'POST', body: 'tea', headers: { 'content-type': 'text/plain' } };

for (const [name, startApi] of Object.entries(apis)) {
  inChromium(
    `a page of another origin calls, and reads sealed headers that nobody exposed (${name})`,
    async () => {
      const log = new ApiLog();
      const page = await openCrossOriginPage();
      const api = await startApi(page.origin, log, { cors: 'lists' });
      const ask = await page.open(api);
      const { status, text, mine } = await ask('/orders', order);
      assert.equal([status, text, mine], [201, 'tea', 'shown']);
      // What goes wrong behind sealwire() is readable, too.
      const broken = await ask('/broken', { method: 'PUT' });
      assert.is(broken.status, 418);
      assert.match(broken.text as string, 'on purpose');
    },
  );

  inChromium(
    `preflights ask for Sealwire and Content-Type only, whatever the page sets (${name})`,
    async () => {
      const log = new ApiLog();
      const page = await openCrossOriginPage();
      const ask = await page.open(await startApi(page.origin, log));
      const headers = { authorization: 'Bearer x', 'idempotency-key': '1', 'x-api-key': 'y' };
      for (const [method, body] of [
        ['POST', 'tea'],
        ['GET', undefined],
        ['DELETE', undefined],
        ['PATCH', 'tea'],
      ] as const) {
        assert.is((await ask('/orders', { method, body, headers })).status, 201, method);
      }
      // It travels as a GET.
      assert.is((await ask('/whoami', { method: 'HEAD', headers })).status, 200);
      assert.equal(log.preflights, [
        { asked: '/.well-known/sealwire/handshake: POST content-type', status: 204 },
        { asked: '/orders: POST content-type,sealwire', status: 204 },
        { asked: '/orders: GET sealwire', status: 204 },
        { asked: '/orders: DELETE sealwire', status: 204 },
        { asked: '/orders: PATCH content-type,sealwire', status: 204 },
        { asked: '/whoami: GET sealwire', status: 204 },
      ]);
    },
  );

  inChromium(`a preflight that nothing answers is refused and reaches no handler (${name})`, async () => {
    const log = new ApiLog();
    const page = await openCrossOriginPage();
    const ask = await page.open(await startApi(page.origin, log, { cors: 'endpoints' }));
    const refused = await ask('/orders', order);
    // Browsers tell a page no more of it than that.
    assert.equal([refused.name, refused.code], ['TypeError', undefined]);
    assert.equal(log.preflights.at(-1), { asked: '/orders: POST content-type,sealwire', status: 403 });
    assert.not.ok(log.requests.includes('POST /orders'));
    assert.equal(log.sessions, []);
  });

  inChromium(`a session that has ended is followed by another one (${name})`, async () => {
    const log = new ApiLog();
    const page = await openCrossOriginPage();
    const ask = await page.open(await startApi(page.origin, log, { cors: 'lists' }));
    await orders(ask);
    const [first] = log.sessions;
    // Why the request is then refused is in the body, which the page may read as it may the answers.
    await log.store.end(first as string, Date.now());
    await orders(ask);
    assert.is(log.sessions.length, 2);
    assert.is.not(log.sessions[1], first);
  });

  inChromium(
    `a server that is restarted with a new key of the same identity is called on (${name})`,
    async () => {
      const [before, after] = await twoKeysOfOneIdentity();
      const page = await openCrossOriginPage();
      const first = await startApi(page.origin, new ApiLog(), { keys: before });
      const ask = await page.open(first, before.pins[0]);
      assert.is((await ask('/whoami')).text, 'nobody');
      await first.close();
      await connectionsGone(first.origin);
      const log = new ApiLog();
      await startApi(page.origin, log, { keys: after, port: first.port });
      assert.is((await ask('/whoami')).text, 'nobody');
      assert.equal(log.requests, [
        'GET /whoami',
        'POST /.well-known/sealwire/handshake',
        // The refusal brought the new configuration along: nothing had to be fetched.
        'POST /.well-known/sealwire/handshake',
        'GET /whoami',
      ]);
    },
  );
}

test.run();
