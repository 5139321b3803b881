// The panel for development, on a page whose policy allows nothing inline, nothing evaluated and no markup from strings.
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './support/bundles.ts';
import { frameworks } from './support/cases.ts';
import { inChromium, startBrowser, until } from './support/playwright.ts';
import { pin, startSealed } from './support/servers.ts';

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

const source = `import { createSealedFetch } from '@sealwire/client';
  import { defineInspector, showInspector } from '@sealwire/client/inspector';
  const options = { origin: location.origin, identity: '${pin}', suites: ['X25519'] };
  Object.assign(globalThis, {
    sealedFetch: createSealedFetch(options),
    named: createSealedFetch({ ...options, inspect: 'production' }),
    defineInspector,
    showInspector,
  });`;
const script = await bundle('browser', source);

/** A page, and what it complained about. */
async function openPage(text = script): Promise<{ tab: Page; complaints: string[] }> {
  const { express } = frameworks[1] as (typeof frameworks)[0];
  const { origin } = await startSealed(
    express,
    (app) => {
      app.post('/orders', express.text(), (req, res) => {
        res.status(201).json({ ordered: req.body });
      });
    },
    {
      before(app) {
        app.get('/', (_req, res) => {
          res.setHeader('content-security-policy', policy);
          res.send(
            '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
          );
        });
        app.get('/page.js', (_req, res) => {
          res.type('js').send(text);
        });
      },
    },
  );
  const tab = await (await startBrowser()).newPage();
  const complaints: string[] = [];
  tab.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  tab.on('pageerror', (error) => complaints.push(error.message));
  await tab.goto(origin);
  await until(tab, 'globalThis.sealedFetch');
  return { tab, complaints };
}

async function openPanel(): ReturnType<typeof openPage> {
  const opened = await openPage();
  await opened.tab.evaluate('showInspector(sealedFetch).then(() => {})');
  return opened;
}

const order = (body: string) =>
  `sealedFetch('/orders', { method: 'POST', body: ${JSON.stringify(body)} }).then((response) => response.text())`;
const markup = '<img src=x onerror="document.title=`broken`">';

inChromium('each exchange in a line; plaintext on the left, on the right what travelled', async () => {
  const { tab, complaints } = await openPanel();
  await tab.getByText('Nothing was sent yet.').waitFor();
  await tab.evaluate(order(markup));
  const line = tab.getByRole('button', { name: 'POST /orders' });
  await line.waitFor();
  assert.match((await line.textContent()) as string, /^POST \/orders201\d+ B → \d+ B\d+ ms$/);
  await tab.getByRole('button', { name: 'Handshake, X25519' }).waitFor();

  await line.focus();
  await tab.keyboard.press('Enter');
  const [left, right] = await tab.locator('section').allTextContents();
  for (const text of [markup, 'content-type', '201']) assert.match(left as string, text);
  assert.match(right as string, 'application/vnd.sealwire');
  assert.match(right as string, /(?:[0-9a-f]{2} ){100}/);
  assert.not.match(right as string, 'onerror');
  // The line kept the focus, and closes.
  await tab.keyboard.press('Enter');
  assert.is(await tab.locator('section').count(), 0);
  assert.is(await line.getAttribute('aria-expanded'), 'false');
  assert.is(await tab.title(), '');
  assert.equal(complaints, []);
});

inChromium('what fails says why; the newest line is the first, the oldest are forgotten', async () => {
  const { tab, complaints } = await openPanel();
  await tab.evaluate("sealedFetch('/orders', { headers: { 'x-other': '' } }).catch(() => {})");
  const failed = tab.getByRole('button', { name: 'GET /orders' });
  await failed.click();
  assert.match((await failed.textContent()) as string, 'failed');
  assert.match(
    (await tab.locator('.note').textContent()) as string,
    'SealwireError: This field is not sealed',
  );
  for (const text of ['a', 'b']) await tab.evaluate(order(text));
  await until(
    tab,
    "document.querySelector('sealwire-inspector').shadowRoot.querySelectorAll('li').length === 4",
  );
  assert.match((await tab.locator('li').first().textContent()) as string, 'POST /orders');
  await tab.evaluate(`(async () => { for (let i = 0; i < 210; i++) await ${order('x')}; })()`);
  await until(
    tab,
    "document.querySelector('sealwire-inspector').shadowRoot.querySelectorAll('li').length === 200",
  );
  assert.equal(complaints, []);
});

inChromium('who reads an exchange goes on reading while others arrive', async () => {
  const { tab, complaints } = await openPanel();
  await tab.evaluate(order('to be read'));
  await tab.getByRole('button', { name: 'POST /orders' }).click();
  const body = tab.locator('section pre').first();
  await body.focus();
  await tab.evaluate(order('another'));
  await tab.getByRole('button', { name: 'POST /orders' }).nth(1).waitFor();
  assert.ok(await body.evaluate((element) => element.matches(':focus')));
  assert.equal(complaints, []);
});

inChromium('as markup of a page; off the page it listens no more', async () => {
  const { tab, complaints } = await openPanel();
  await tab.evaluate(() => {
    const { defineInspector, sealedFetch } = globalThis as unknown as {
      defineInspector(): void;
      sealedFetch: unknown;
    };
    const shown = document.querySelector('sealwire-inspector') as HTMLElement;
    shown.remove();
    Object.assign(globalThis, { shown });
    const own = document.createElement('sealwire-inspector');
    document.body.append(own);
    defineInspector();
    return (own as HTMLElement & { inspect(sealedFetch: unknown): Promise<void> }).inspect(sealedFetch);
  });
  await tab.evaluate(order('tea'));
  await tab.getByRole('button', { name: 'POST /orders' }).waitFor();
  assert.is(await tab.evaluate("shown.shadowRoot.querySelectorAll('li').length"), 0);
  await tab.setViewportSize({ width: 320, height: 600 });
  assert.is(await tab.evaluate('document.documentElement.scrollWidth'), 320);
  assert.equal(complaints, []);
});

inChromium(
  'a page that was built for production shows nothing, unless the client was told by name',
  async () => {
    const { tab } = await openPage(await bundle('browser', source, true));
    assert.is(
      await tab.evaluate('showInspector(sealedFetch).catch(({ code }) => code)'),
      'inspection-refused',
    );
    assert.is(await tab.locator('sealwire-inspector').count(), 0);
    await tab.evaluate('showInspector(named).then(() => {})');
    assert.is(await tab.locator('sealwire-inspector').count(), 1);
  },
);

test.run();
