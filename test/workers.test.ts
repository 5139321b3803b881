// A sealed fetch in workers, which have no document: threads of Node and workers of a browser.
import { Worker } from 'node:worker_threads';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './support/bundles.ts';
import { frameworks, it, within } from './support/cases.ts';
import { startChromium } from './support/chromium.ts';
import { needing } from './support/needs.ts';
import { afterwards } from './support/resources.ts';
import { pin, startSealed } from './support/servers.ts';

const inChromium = needing('chromium', test);

/** What the worker runs: the same call sealed and not, and what the server saw of each. */
const script = `
import { createSealedFetch } from '@sealwire/client';
export async function ask(origin, identity, headers) {
  const sealedFetch = createSealedFetch({ origin, identity, suites: ['X25519'] });
  const init = { method: 'POST', body: 'from a worker', headers };
  const plain = await (await fetch(origin + '/plain', init)).json();
  const sealed = await (await sealedFetch('/sealed', init)).json();
  return { document: typeof document, plain, sealed };
}`;

interface Told {
  readonly sealed: boolean;
  readonly language: string;
  readonly body: string;
  readonly fields: unknown[];
}

interface Asked {
  readonly document: string;
  readonly plain: Told;
  readonly sealed: Told;
}

function start(before: (app: Application) => void = () => {}) {
  const { express } = frameworks[1] as (typeof frameworks)[0];
  const tell = (app: Application, path: string) =>
    app.post(path, express.text(), (req, res) => {
      const told = {
        sealed: req.sealed !== undefined,
        language: req.headers['accept-language'],
        body: req.body,
        fields: Object.entries(req.headers).filter(([, value]) => value === 'x'),
      };
      res.json(told);
    });
  return startSealed(express, (app) => tell(app, '/sealed'), {
    before(app) {
      before(app);
      tell(app, '/plain');
    },
  });
}

function check({ document, plain, sealed }: Asked): void {
  assert.is(document, 'undefined');
  assert.equal(plain, { sealed: false, language: plain.language, body: 'from a worker', fields: [] });
  assert.equal(sealed, { ...plain, sealed: true });
}

for (const navigator of [undefined, { languages: ['de', 'en'], userAgent: 'Node.js/22' }]) {
  it(`in a thread of Node${navigator ? ' that has a navigator' : ''}`, async () => {
    const { origin } = await start();
    const code = `
    const navigator = ${JSON.stringify(navigator)};
    if (navigator) Object.defineProperty(globalThis, 'navigator', { value: navigator });
    const { parentPort, workerData } = require('node:worker_threads');
    ask(workerData.origin, workerData.pin).then((asked) => parentPort.postMessage(asked));`;
    const worker = new Worker(await bundle('node', script + code), {
      eval: true,
      execArgv: [],
      workerData: { origin, pin },
    });
    afterwards(() => worker.terminate());
    const asked = new Promise<Asked>((resolve, reject) =>
      worker.once('message', resolve).once('error', reject),
    );
    check(await within(asked, 'the thread', 15_000));
  });
}

/** What a browser drops: none of it arrives. */
const dropped = {
  date: 'x',
  via: 'x',
  te: 'x',
  'keep-alive': 'x',
  'proxy-authorization': 'x',
  connection: 'x',
};

inChromium('in a worker of Chromium', async () => {
  const code = `
    self.onmessage = async ({ data }) => {
      const headers = ${JSON.stringify(dropped)};
      self.postMessage(await ask(self.location.origin, data, headers).catch(String));
    };`;
  const text = await bundle('browser', script + code);
  const { origin } = await start((app) => {
    app.get('/worker.js', (_req, res) => {
      res.type('text/javascript').send(text);
    });
    app.get('/page', (_req, res) => {
      res.send('<!doctype html><title>A page</title>');
    });
  });
  const browser = await startChromium();
  const page = await browser.open(`${origin}/page`);
  await page.until("document.title === 'A page'");
  const asked = await page.evaluate(`new Promise((resolve, reject) => {
    const worker = new Worker('/worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(${JSON.stringify(pin)});
  })`);
  assert.type(asked, 'object', String(asked));
  check(asked as Asked);
  assert.is.not((asked as Asked).sealed.language, '*');
});

test.run();
