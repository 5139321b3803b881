import { setTimeout as sleep } from 'node:timers/promises';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { test } from 'uvu';
import { within } from './cases.ts';
import { findChromium } from './chromium.ts';
import { needing } from './needs.ts';
import { afterwards } from './resources.ts';

const register = needing('chromium', test);

/** Registers a test that needs Chromium, with a time limit. */
export function inChromium(name: string, run: () => Promise<unknown>): void {
  register(name, async () => {
    await within(run(), name, 30_000);
  });
}

/** Starts the machine's Chromium with an empty profile; it ends after the test. */
export async function startBrowser(options?: BrowserContextOptions): Promise<BrowserContext> {
  const executablePath = findChromium() as string;
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  afterwards(() => browser.close());
  const context = await browser.newContext(options);
  // The compiler of the tests names functions by this, also those that run in the page.
  await context.addInitScript('globalThis.__name = (value) => value;');
  return context;
}

/** Waits until an expression is true in a page. The page's policy may forbid `eval`, by which Playwright would wait. */
export async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate(`Boolean(${expression})`))) await sleep(30);
}
