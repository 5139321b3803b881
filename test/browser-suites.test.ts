// The suites in a real browser, under a strict policy: what each loads, and what happens if that does not load.
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StaticKeys } from '@sealwire/core';
import { type BuildResult, build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { frameworks } from './support/cases.ts';
import { startChromium } from './support/chromium.ts';
import { needing } from './support/needs.ts';
import { startSealed } from './support/servers.ts';

const inChromium = needing('chromium', test);

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const script = `
import { createSealedFetch } from '@sealwire/client';
const { pin, suites } = document.body.dataset;
const sealedFetch = createSealedFetch({
  origin: location.origin,
  identity: pin,
  ...(suites && { suites: suites.split(' ') }),
});
globalThis.ask = async (body) => (await sealedFetch('/suite', { method: 'POST', body })).json();
document.title = 'ready';`;

/** The page's script and its chunks, as an application's bundler makes them. */
async function bundle(): Promise<Map<string, string>> {
  const { outputFiles = [] }: BuildResult = await build({
    stdin: { contents: script, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    splitting: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['sealwire-source'],
    outdir: 'bundle',
    chunkNames: '[name]',
  });
  return new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
}

/** A page that calls a server with keys of every suite. `refuse` says which requests for scripts fail. */
async function openPage(refuse: (name: string) => boolean = () => false, flags: readonly string[] = []) {
  const { express } = frameworks[1] as (typeof frameworks)[0];
  const files = await bundle();
  const loaded: string[] = [];
  const keys = await StaticKeys.generate();
  const { origin, pin, port } = await startSealed(
    express,
    (app) => {
      app.post('/suite', express.text(), (req, res) => {
        res.json({ suite: req.sealed?.suite, body: req.body });
      });
    },
    {
      keys,
      before(app) {
        app.get('/page', (req, res) => {
          res.set('content-security-policy', policy).send(
            `<!doctype html><body data-pin="${keys.pins[0]}" data-suites="${req.query.suites ?? ''}">
             <script type="module" src="/scripts/stdin.js"></script>`,
          );
        });
        app.get('/scripts/:name', ({ params: { name } }, res) => {
          loaded.push(name);
          if (refuse(name)) res.status(503).end();
          else res.type('text/javascript').send(files.get(name));
        });
      },
    },
  );
  assert.is(pin, keys.pins[0]);
  const browser = await startChromium(flags);
  return {
    browser,
    port,
    loaded,
    async open(suites = '') {
      const page = await browser.open(`${origin}/page?suites=${suites}`);
      await page.until("document.title === 'ready'");
      return page;
    },
  };
}

const chunk = 'xwing.noble.js';
/** True in a page of a browser that does X-Wing itself. */
const hasXwing = `crypto.subtle.generateKey('MLKEM768-X25519', false, ['encapsulateBits', 'decapsulateBits'])
  .then(() => true, () => false)`;
/** Has older Chromium do what newer ones do by themselves. */
const withXwing = ['--enable-features=WebCryptoPQC'];

inChromium('every suite works under a strict policy and loads what it needs only', async () => {
  const { loaded, open } = await openPage();
  for (const suite of ['X25519', 'P-256', 'MLKEM768-X25519']) {
    loaded.length = 0;
    const page = await open(suite);
    assert.equal(await page.evaluate("ask('tea')"), { suite, body: 'tea' });
    const lacking = suite === 'MLKEM768-X25519' && !(await page.evaluate(hasXwing));
    assert.equal(loaded, ['stdin.js', ...(lacking ? [chunk] : [])], suite);
    assert.equal(page.complaints, []);
  }
  const byDefault = await open();
  assert.equal(await byDefault.evaluate("ask('tea')"), { suite: 'MLKEM768-X25519', body: 'tea' });
});

inChromium('a browser that does X-Wing itself loads no code for it', async () => {
  const { loaded, open } = await openPage(undefined, withXwing);
  const page = await open();
  assert.ok(await page.evaluate(hasXwing));
  assert.equal(await page.evaluate("ask('tea')"), { suite: 'MLKEM768-X25519', body: 'tea' });
  assert.equal(loaded, ['stdin.js']);
  assert.equal(page.complaints, []);
});

inChromium('code that did not load is an error of the network, and never another suite', async () => {
  let refusing = true;
  const { open } = await openPage((name) => refusing && name === chunk);
  const page = await open();
  const call = "ask('tea').then(({ suite }) => suite, ({ name, message }) => name + ': ' + message)";
  const first = await page.evaluate(call);
  if (await page.evaluate(hasXwing)) assert.is(first, 'MLKEM768-X25519');
  else assert.match(first as string, /^TypeError: .*dynamically imported module/);
  refusing = false;
  // A browser remembers the module that failed for as long as the page is there.
  assert.is(await (await open()).evaluate(call), 'MLKEM768-X25519');
});

inChromium(
  'over plain HTTP from another machine, where there is no WebCrypto, the client says so',
  async () => {
    const { browser, port } = await openPage(undefined, ['--host-resolver-rules=MAP 192.168.1.20 127.0.0.1']);
    const page = await browser.open(`http://192.168.1.20:${port}/page`);
    await page.until("document.readyState === 'complete'");
    assert.is(await page.evaluate('crypto.subtle === undefined'), true);
    // A module that threw throws the same for everybody who imports it.
    const thrown =
      "import('/scripts/stdin.js').then(() => 'nothing', ({ code, message }) => code + ': ' + message)";
    assert.match(
      (await page.evaluate(thrown)) as string,
      /^crypto-unavailable: .* https:\/\/ and http:\/\/localhost only/,
    );
  },
);

test.run();
