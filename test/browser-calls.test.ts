// What a page in a real browser relies on: errors of bodies, events one by one, tabs, offline, aborts.
import { textOf } from '@sealwire/core';
import express, { type Application } from 'express';
import type { BrowserContext, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './support/bundles.ts';
import { Arrivals, sleep } from './support/cases.ts';
import { inChromium, startBrowser } from './support/playwright.ts';
import { pin, type SealedServer, startSealed } from './support/servers.ts';

const script = await bundle(
  'browser',
  `
import { createSealedFetch } from '@sealwire/client';
globalThis.makeSealedFetch = (identity, options) =>
  createSealedFetch({ origin: location.origin, identity, suites: ['X25519'], ...options });`,
);

/** A page of a sealed server, with a sealed fetch of its own as `sealedFetch`. */
async function openPage(routes: (app: Application) => void): Promise<{ page: Page; server: SealedServer }> {
  const server = await startSealed(express, routes, {
    before(app) {
      app.get('/page', (_req, res) => {
        res.send('<!doctype html><script type="module" src="/page.js"></script>');
      });
      app.get('/page.js', (_req, res) => void res.type('js').send(script));
    },
  });
  return { page: await openTab(await startBrowser(), server), server };
}

async function openTab(context: BrowserContext, { origin }: SealedServer): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${origin}/page`);
  await page.waitForFunction('globalThis.makeSealedFetch');
  await page.evaluate(`globalThis.sealedFetch = makeSealedFetch('${pin}')`);
  return page;
}

inChromium('a body that fails says why, in whatever way it is read', async () => {
  const { page } = await openPage((app) => {
    app.get('/unknown', (_req, res) => void res.set('content-encoding', 'unknown').send('x'));
  });
  const codes = await page.evaluate(`(async () => {
    const codes = {};
    const code = (error) => error.code;
    for (const name of ['arrayBuffer', 'blob', 'formData', 'json', 'text']) {
      const response = await sealedFetch('/unknown');
      const clone = response.clone();
      codes[name] = [await response[name]().catch(code), await clone[name]().catch(code)];
      codes[name].push(await response[name]().catch((error) => error.name));
    }
    const { body } = await sealedFetch('/unknown');
    codes.stream = [await body.getReader().read().catch(code)];
    codes.integrity = [await sealedFetch('/unknown', { integrity: 'sha256-${'A'.repeat(43)}=' }).catch(code)];
    return codes;
  })()`);
  const whole = ['encoding-unknown', 'encoding-unknown', 'TypeError'];
  assert.equal(codes, {
    ...Object.fromEntries(['arrayBuffer', 'blob', 'formData', 'json', 'text'].map((name) => [name, whole])),
    stream: ['encoding-unknown'],
    integrity: ['encoding-unknown'],
  });
});

inChromium('a refusal that only servers give is told in their words', async () => {
  const { page } = await openPage((app) => void app.get('/notes', (_req, res) => void res.send('x')));
  const message = await page.evaluate(`(async () => {
    const misled = (url, init) => fetch(url.replace('/notes', '/elsewhere'), init);
    const sealedFetch = makeSealedFetch('${pin}', { fetch: misled });
    return sealedFetch('/notes').catch(({ code, message }) => code + ': ' + message);
  })()`);
  const text = textOf('target-mismatch');
  assert.match(String(message), new RegExp(`^target-mismatch: ${text} .*elsewhere`));
});

inChromium('events arrive one by one', async () => {
  const { page } = await openPage((app) => {
    let next: (() => void) | undefined;
    app.get('/events', async (_req, res) => {
      res.type('text/event-stream');
      for (let event = 1; event <= 20; event++) {
        res.write(`data: ${event}\n\n`);
        // The next one is written when the page has this one, so that two cannot come together.
        await new Promise<void>((resolve) => {
          next = resolve;
        });
      }
      res.end();
    });
    app.post('/seen', (_req, res) => {
      next?.();
      res.end();
    });
  });
  const events = await page.evaluate(`(async () => {
    const { body } = await sealedFetch('/events');
    const events = [];
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      events.push(chunk);
      await sealedFetch('/seen', { method: 'POST' });
    }
    return events;
  })()`);
  assert.equal(
    events,
    Array.from({ length: 20 }, (_, index) => `data: ${index + 1}\n\n`),
  );
});

inChromium('five tabs call at the same time', async () => {
  const { page, server } = await openPage((app) => {
    app.post('/echo', express.json(), (req, res) => void res.json([req.body, req.sealed?.sid]));
  });
  const others = await Promise.all([1, 2, 3, 4].map(() => openTab(page.context(), server)));
  const tabs = [page, ...others];
  const answers = await Promise.all(
    tabs.map((tab, index) =>
      tab.evaluate(`Promise.all(Array.from({ length: 20 }, async (_, call) => {
        const body = JSON.stringify([${index}, call]);
        const headers = { 'content-type': 'application/json' };
        return (await sealedFetch('/echo', { method: 'POST', headers, body })).json();
      }))`),
    ),
  );
  const sessions = new Set<string>();
  for (const [tab, ofTab] of (answers as [unknown, string][][]).entries()) {
    for (const [call, [body, sid]] of ofTab.entries()) {
      assert.equal(body, [tab, call]);
      sessions.add(sid);
    }
  }
  assert.is(sessions.size, 5);
});

inChromium(
  'a call while the browser is offline fails as on the platform, and one afterwards works',
  async () => {
    const { page } = await openPage((app) => {
      app.post('/here', (_req, res) => void res.send('here'));
    });
    const call = `sealedFetch('/here', { method: 'POST' }).then((response) => response.text(), (error) => error.name)`;
    assert.is(await page.evaluate(call), 'here');
    await page.context().setOffline(true);
    assert.is(await page.evaluate(call), 'TypeError');
    await page.context().setOffline(false);
    assert.is(await page.evaluate(call), 'here');
    // Without a session, too: the handshake is the first to fail.
    await page.evaluate(`globalThis.sealedFetch = makeSealedFetch('${pin}')`);
    await page.context().setOffline(true);
    assert.is(await page.evaluate(call), 'TypeError');
    await page.context().setOffline(false);
    assert.is(await page.evaluate(call), 'here');
  },
);

inChromium(
  'an abort ends the call in every phase, the server hears of it, and the next call works',
  async () => {
    const called = new Arrivals<string>();
    const closed = new Arrivals<string>();
    const { page } = await openPage((app) => {
      app.post('/answered', (_req, res) => void res.send('answered'));
      app.post('/:phase', async (req, res) => {
        const { phase } = req.params;
        res.on('close', () => closed.push(phase));
        if (phase === 'sending') called.push(phase);
        try {
          // Slower than it comes, so that most of a long one is still to be sent.
          for await (const _chunk of req) await sleep(5);
        } catch {
          return;
        }
        if (phase === 'reading') res.write('the beginning');
        if (phase !== 'sending') called.push(phase);
      });
    });
    const call = (phase: string, length = 1, aborted = false) =>
      page.evaluate(`(() => {
      globalThis.controller = new AbortController();
      if (${aborted}) controller.abort();
      const init = { method: 'POST', body: new Uint8Array(${length}), signal: controller.signal };
      globalThis.outcome = sealedFetch('/${phase}', init)
        .then((response) => response.text())
        .catch((error) => error.name);
    })()`);
    const abort = () => page.evaluate('controller.abort(), outcome');

    await call('before', 1, true);
    assert.is(await page.evaluate('outcome'), 'AbortError');
    for (const phase of ['sending', 'waiting', 'reading']) {
      await call(phase, phase === 'sending' ? 30_000_000 : 1);
      // What was aborted before anything was sent never comes.
      assert.is(await called.next(phase), phase);
      assert.is(await abort(), 'AbortError', phase);
      assert.is(await closed.next(phase), phase);
      await call('answered');
      assert.is(await page.evaluate('outcome'), 'answered', phase);
    }
  },
);

test.run();
