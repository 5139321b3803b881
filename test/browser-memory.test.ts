// 100 MB up and down, and the page's memory stays where it was.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CDPSession, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inChromium } from './support/playwright.ts';
import { afterwards } from './support/resources.ts';
import { openUploadPage, type Protocol } from './support/upload-page.ts';

const size = 100_000_000;
/** What a transfer may add to the memory of the page at any time, in bytes. */
const growth = 24 * 1024 * 1024;
const expected = {
  size,
  sha256: createHash('sha256').update(Buffer.alloc(size)).digest('hex'),
  length: size,
};

/** A file of so many zeros. */
function largeFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-'));
  afterwards(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'large.bin');
  writeFileSync(path, Buffer.alloc(size));
  return path;
}

/** Objects and buffers that a page holds, in bytes; what it let go is collected first. */
async function memoryOf(devTools: CDPSession): Promise<number> {
  const collect = () => devTools.send('HeapProfiler.collectGarbage');
  // The second waits until buffers of the first are freed. All at once, so that the page makes no more in between.
  const [, , usage] = await Promise.all([collect(), collect(), devTools.send('Runtime.getHeapUsage')]);
  return usage.usedSize + (usage as unknown as { backingStorageSize: number }).backingStorageSize;
}

/** The value of an expression in the page, and how much memory the page needed beside what it had. */
async function measured<T>(page: Page, expression: string): Promise<{ value: T; most: number }> {
  const devTools = await page.context().newCDPSession(page);
  const before = await memoryOf(devTools);
  let done = false;
  const value = page.evaluate<T>(expression).finally(() => {
    done = true;
  });
  const samples: number[] = [];
  while (!done) {
    samples.push((await memoryOf(devTools)) - before);
    await sleep(20);
  }
  // What is held for longer than a moment.
  const held = samples.slice(2).map((_, index) => Math.min(...samples.slice(index, index + 3)));
  const most = Math.max(...held);
  assert.ok(samples.length > 5, 'the memory was looked at while the transfer went on');
  return { value: await value, most };
}

/** A machine that rests at every hundredth record, so that its memory can be looked at while it seals. */
const slowSealing = `
const { encrypt } = crypto.subtle;
let records = 0;
crypto.subtle.encrypt = async function (...args) {
  if (++records % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 150));
  return encrypt.apply(this, args);
};`;

const upload = (init: string) => `(async () => {
  const [body] = document.querySelector('input').files;
  return (await sealedFetch('/upload', { method: 'POST', body, ${init} })).json();
})()`;

for (const [protocol, how, init, byXhr] of [
  ['HTTP/1.1', '', '', false],
  ['HTTP/1.1', ' with xhrFetch()', 'onUploadProgress() {}', true],
  ['HTTP/2', '', '', false],
  ['HTTP/2', ' as a stream, for its progress', 'onUploadProgress() {}', false],
] as const satisfies readonly [Protocol, string, string, boolean][]) {
  inChromium(`100 MB up over ${protocol}${how} leave the memory of the page as it was`, async () => {
    const { page } = await openUploadPage(protocol, { byXhr, initScript: slowSealing });
    await page.setInputFiles('input', largeFile());
    const { value, most } = await measured(page, upload(init));
    assert.equal(value, expected);
    assert.ok(most < growth, `${most} bytes`);
  });
}

inChromium('100 MB down leave the memory of the page as it was', async () => {
  const { page } = await openUploadPage('HTTP/1.1');
  const { value, most } = await measured(
    page,
    `(async () => {
      const response = await sealedFetch('/download?size=${size}');
      let size = 0;
      let pause = 5_000_000;
      for await (const chunk of response.body) {
        size += chunk.length;
        // Slower than it comes, so that whatever does not wait piles up.
        if (size < pause) continue;
        pause += 5_000_000;
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      return size;
    })()`,
  );
  assert.is(value, size);
  assert.ok(most < growth, `${most} bytes`);
});

test.run();
