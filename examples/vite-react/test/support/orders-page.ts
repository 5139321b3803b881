import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StaticKeys } from '@sealwire/express';
import { build, createServer, defaultClientConditions, type InlineConfig } from 'vite';
import { startBrowser } from '../../../../test/support/playwright.ts';
import { startTap } from '../../../../test/support/proxies.ts';
import { afterwards } from '../../../../test/support/resources.ts';
import { listen } from '../../../../test/support/servers.ts';
import { createOrdersApp } from '../../app.mjs';
import config from '../../vite.config.js';

// All suites, so that the page takes the post-quantum one, and loads its chunk, as with the keys that people make.
const keys = await StaticKeys.generate();
// Vite takes what begins with VITE_ from here before it looks into files.
process.env['VITE_ORDERS_PIN'] = keys.pins[0];

const viteConfig: InlineConfig = {
  ...config,
  configFile: false,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  logLevel: 'warn',
  resolve: { conditions: ['sealwire-source', ...defaultClientConditions] },
};

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'sealwire-vite-'));
}

/** Removed when the tests end: all of them use it. */
const page = temporaryFolder();
process.on('exit', () => rmSync(page, { recursive: true }));

/** `vite build`, which leaves the process as it was. */
export async function buildPage(): Promise<void> {
  const { NODE_ENV } = process.env;
  await build({ ...viteConfig, build: { outDir: page, emptyOutDir: true } });
  if (NODE_ENV === undefined) delete process.env['NODE_ENV'];
  else process.env['NODE_ENV'] = NODE_ENV;
}

/** The app behind a tap on the wire, and a browser. `itsKeys`: others than those that the page was built for. */
export async function startOrders(itsKeys = keys) {
  const running = await listen();
  const tap = await startTap(running);
  running.server.on('request', createOrdersApp({ keys: itsKeys, origins: [tap.origin], page }));
  const context = await startBrowser();
  return {
    ...running,
    context,
    open: () => openPage(context, tap.origin),
    /** All bytes that travelled so far. */
    wire: () => Buffer.concat([...tap.up, ...tap.down]).toString('latin1'),
  };
}

/** `npm run dev`, with the app behind its proxy. */
export async function startDevelopment() {
  const running = await listen();
  const proxy = Object.fromEntries(
    Object.keys(config.server?.proxy ?? {}).map((path) => [path, running.origin]),
  );
  const cacheDir = temporaryFolder();
  const vite = await createServer({
    ...viteConfig,
    cacheDir,
    server: { ...config.server, host: '127.0.0.1', port: 0, proxy },
  });
  afterwards(() => rmSync(cacheDir, { recursive: true, force: true }));
  afterwards(() => vite.close());
  await vite.listen();
  const address = vite.httpServer?.address() as { port: number };
  const origin = `http://127.0.0.1:${address.port}`;
  running.server.on('request', createOrdersApp({ keys, origins: [origin], page }));
  const context = await startBrowser();
  return { open: () => openPage(context, origin) };
}

/** A tab with the page, and what it complains about: exceptions, errors on the console, violations of its policy. */
async function openPage(context: Awaited<ReturnType<typeof startBrowser>>, origin: string) {
  const tab = await context.newPage();
  const complaints: string[] = [];
  tab.on('pageerror', (error) => complaints.push(String(error)));
  tab.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await tab.goto(origin);
  return {
    tab,
    complaints,
    /** Types an order and presses Enter. */
    async order(item: string) {
      await tab.getByLabel('What would you like?').fill(item);
      await tab.keyboard.press('Enter');
    },
    /** Waits until the orders are these, answered by the server. */
    async shows(...items: string[]) {
      await tab.waitForFunction(
        (expected) =>
          JSON.stringify(
            [...document.querySelectorAll('li:not(.sending) span')].map((each) => each.textContent),
          ) === expected,
        JSON.stringify(items),
      );
    },
  };
}
