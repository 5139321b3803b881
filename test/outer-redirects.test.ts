// Whoever is on the way can answer with a redirect: nobody follows it, and what is inside decides.
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { onExpress } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { failure, thrown } from './support/problems.ts';
import { type Returning, startProxy } from './support/proxies.ts';
import { listen, startSealed } from './support/servers.ts';

let handled = 0;

function routes(app: Application): void {
  handled = 0;
  app.all('/page', (_req, res) => {
    handled++;
    res.send('page');
  });
  app.get('/moved', (_req, res) => res.redirect(307, '/page'));
}

async function start(express: Parameters<typeof startSealed>[0]) {
  const asked: string[] = [];
  const elsewhere = await listen((req, res) => {
    asked.push(`${req.method} ${req.url} ${JSON.stringify(req.headers)}`);
    res.end('elsewhere');
  });
  const server = await startSealed(express, routes, { origins: 'host' });
  let change: ((returning: Returning) => void) | undefined;
  const proxy = await startProxy(server, {
    response(returning, { url }) {
      if (!url.startsWith('/.well-known/')) change?.(returning);
    },
  });
  return {
    origin: proxy.origin,
    pin: server.pin,
    asked,
    elsewhere: `${elsewhere.origin}/stolen`,
    forge(to: (returning: Returning) => void) {
      change = to;
    },
  };
}

const statuses = [301, 302, 303, 307, 308];
const inits = [{}, { method: 'POST', body: 'secret' }, { method: 'DELETE' }];

onExpress(
  'a redirect in plaintext is a plaintext answer, in every mode, and nobody is asked',
  async (express) => {
    const path = await start(express);
    const sealedFetch = clientOf(path, { otherOrigins: 'fetch' });
    assert.is(await (await sealedFetch('/page')).text(), 'page');
    for (const location of [path.elsewhere, '/page']) {
      for (const status of statuses) {
        path.forge((returning) => {
          Object.assign(returning, { status, headers: { location }, body: Buffer.alloc(0) });
        });
        for (const init of inits) {
          for (const redirect of ['follow', 'error', 'manual'] as const) {
            const before = handled;
            const error = await thrown(sealedFetch('/page', { ...init, redirect }), 'plaintext-answer');
            assert.is((error as unknown as { untrusted: Response }).untrusted.status, status);
            // Once at the server, and not where the location says.
            assert.is(handled, before + 1);
          }
        }
      }
    }
    assert.equal(path.asked, []);
  },
);

onExpress('the status and location outside of a sealed answer change nothing of it', async (express) => {
  const path = await start(express);
  const sealedFetch = clientOf(path, { otherOrigins: 'fetch' });
  for (const status of statuses) {
    path.forge((returning) => {
      returning.status = status;
      returning.headers.location = path.elsewhere;
    });
    for (const redirect of ['follow', 'error', 'manual'] as const) {
      const answer = await sealedFetch('/page', { method: 'POST', body: 'secret', redirect });
      assert.equal([answer.status, answer.redirected, await answer.text()], [200, false, 'page']);
      assert.equal([answer.headers.get('location'), answer.sealed.status], [null, status]);
    }
    // And a redirect inside leads where it says inside.
    assert.is(await (await sealedFetch('/moved')).text(), 'page');
    const manual = await sealedFetch('/moved', { redirect: 'manual' });
    assert.equal([manual.status, manual.headers.get('location')], [307, '/page']);
    assert.instance(await failure(sealedFetch('/moved', { redirect: 'error' })), TypeError);
  }
  assert.equal(path.asked, []);
});

test.run();
