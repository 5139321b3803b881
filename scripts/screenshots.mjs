// `npm run screenshots`: the pictures in the README, taken of the example as it runs, in the machine's Chromium.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../test/support/chromium.ts';

const root = new URL('..', import.meta.url);
// The tests depend on it, too.
const { chromium } = createRequire(new URL('test/package.json', root))('playwright-core');
const folder = fileURLToPath(new URL('docs/images/', root));

/** Each picture: its window, its colours, and what is done in it. */
const pictures = [
  { name: 'notes-light', size: [1280, 1090], colors: 'light', show: addNotes },
  { name: 'notes-dark', size: [1280, 1090], colors: 'dark', show: addNotes },
  { name: 'notes-not-sealed', size: [1280, 1090], colors: 'light', show: addWithoutSeal },
  { name: 'notes-phone', size: [390, 844], colors: 'light', show: upload },
];

async function addNotes(page) {
  await add(page, 'Ada accepts 140,000. Keep it between us until Friday.');
}

async function addWithoutSeal(page) {
  await page.getByText('Not sealed').click();
  await page.waitForSelector('#live.on');
  await add(page, 'Ada accepts 140,000. Keep it between us until Friday.');
}

/** On a slow connection, so that there is something to see. */
async function upload(page) {
  await add(page, 'The contract');
  const devTools = await page.context().newCDPSession(page);
  await devTools.send('Network.enable');
  const connection = { offline: false, latency: 20, downloadThroughput: -1, uploadThroughput: 400_000 };
  await devTools.send('Network.emulateNetworkConditions', connection);
  const file = { name: 'contract.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(2_000_000) };
  await page.locator('.file-input').first().setInputFiles(file);
  await page.waitForFunction(() => document.querySelector('.upload progress')?.value > 0.4);
}

async function add(page, text) {
  await page.fill('#text', text);
  await page.keyboard.press('Enter');
  await page.getByText(text).first().waitFor();
  // The wire view draws once a frame.
  await page.waitForTimeout(300);
}

async function take(browser, origin, { name, size: [width, height], colors, show }) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: colors });
  await page.goto(origin);
  await page.waitForSelector('#live.on');
  await show(page);
  await page.evaluate(() => document.activeElement.blur());
  await page.screenshot({ path: `${folder}${name}.png` });
  await page.close();
}

/** The example, on its sources; every picture begins with an empty one. */
async function withExample(use) {
  const server = fileURLToPath(new URL('examples/express-notes/server.mjs', root));
  const child = spawn(process.execPath, [...process.execArgv, server], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let said = '';
    for await (const text of child.stdout) {
      said += text;
      const [, origin] = /open +(\S+)/.exec(said) ?? [];
      if (origin === undefined) continue;
      await use(origin);
      return;
    }
  } finally {
    child.kill();
  }
}

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
for (const picture of pictures) await withExample((origin) => take(browser, origin, picture));
await browser.close();
