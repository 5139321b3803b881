// The page in a real Chromium, used as a person uses it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StaticKeys } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Page, startChromium } from '../../../../test/support/chromium.ts';
import { needing } from '../../../../test/support/needs.ts';
import { afterwards } from '../../../../test/support/resources.ts';
import { limits } from '../../notes.mjs';
import { createPage } from '../../page.mjs';
import { type ListenerOf, startNotes } from './notes-server.ts';

const inChromium = needing('chromium', test);
// All suites, so that the page takes the post-quantum one, as it does from the server that people start.
const keys = await StaticKeys.generate();
const sendPage = await createPage({ pin: keys.pins[0] });

async function startAndOpen(listenerOf: ListenerOf) {
  const notes = await startNotes(listenerOf, { keys, sendPage });
  const browser = await startChromium();
  const open = async () => {
    const tab = await browser.open(notes.tap.origin);
    await tab.until("document.querySelector('#live.on')");
    return tab;
  };
  return { ...notes, open };
}

/** Writes a note and presses Enter. */
async function addNote(tab: Page, text: string): Promise<void> {
  await tab.evaluate("document.querySelector('#text').focus()");
  await tab.type(text);
  await tab.press('Enter');
  await tab.until(`document.querySelector('.note-text')?.textContent === ${JSON.stringify(text)}`);
}

function temporaryFile(name: string, bytes: Uint8Array | string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-upload-'));
  afterwards(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** The four cells of the wire view. */
async function cells(tab: Page): Promise<{ side: string; text: string }[]> {
  const expression = `[...document.querySelectorAll('.cell')].map((cell) =>
    ({ side: cell.classList.contains('on-wire') ? 'wire' : 'app', text: cell.textContent }))`;
  return (await tab.evaluate(expression)) as { side: string; text: string }[];
}

/** Who depends on axe. */
const testPackage = new URL('../../../../test/package.json', import.meta.url);
const markup = '<img src=x onerror="document.title=`broken`"> & ünï 🔒';

/** What the page does with any of the apps. */
export function testPage(listenerOf: ListenerOf): void {
  const openNotes = () => startAndOpen(listenerOf);

  inChromium(
    'what is typed is a note, in plain words on the left and in ciphertext on the right',
    async () => {
      const { open, wire } = await openNotes();
      const tab = await open();
      await addNote(tab, markup);
      await tab.until("document.querySelector('.cell.app').textContent.includes('POST /notes')");
      await tab.until("document.querySelectorAll('.cell.on-wire:not(.cdn) pre').length === 2");

      const [asked, sent, answered, received] = await cells(tab);
      assert.match(asked?.text as string, '<img src=x onerror=');
      assert.match(answered?.text as string, '<img src=x onerror=');
      assert.match(sent?.text as string, 'application/vnd.sealwire');
      for (const cell of [sent, received]) {
        assert.is(cell?.side, 'wire');
        assert.not.match(cell?.text as string, 'broken');
      }
      assert.not.match(wire(), 'broken');
      assert.is(await tab.evaluate('document.title'), 'Sealed notes');
      assert.equal(tab.complaints, []);
    },
  );

  inChromium('the bytes that the wire view shows are those that travelled', async () => {
    const { open, tap } = await openNotes();
    const tab = await open();
    await addNote(tab, 'compare me');
    await tab.until("document.querySelectorAll('.cell.on-wire:not(.cdn) pre').length === 2");
    const expression = `[...document.querySelectorAll('.cell.on-wire:not(.cdn) pre')].map((pre) =>
    [...pre.querySelectorAll('.hex')].map((line) => line.textContent).join(' '))`;
    const dumps = (await tab.evaluate(expression)) as string[];
    const [request, response] = dumps.map((dump) => Buffer.from(dump.replaceAll(' ', ''), 'hex'));
    assert.ok((request as Buffer).length > 200);
    assert.ok(Buffer.concat(tap.up).includes(request as Buffer));
    assert.ok(Buffer.concat(tap.down).includes(response as Buffer));
  });

  inChromium('a second page sees every change; a note is deleted by the keyboard', async () => {
    const { open } = await openNotes();
    const [tab, other] = [await open(), await open()];
    await addNote(tab, 'for both');
    await other.until("document.querySelector('.note-text').textContent === 'for both'");
    await other.evaluate("document.querySelector('.note .delete').focus()");
    await other.press(' ');
    await tab.until("document.querySelectorAll('.note').length === 1");
    // The focus goes on to the next note instead of getting lost.
    await other.until("document.activeElement?.matches('.note .delete')");
    assert.equal([...tab.complaints, ...other.complaints], []);
  });

  inChromium('a file is attached under its name, whatever that is; one too large is refused', async () => {
    const { open, wire } = await openNotes();
    const tab = await open();
    const name = 'gooseberry & <b>ünï 🔒.csv';
    await tab.choose('.file-input', [temporaryFile(name, 'month,amount')]);
    await tab.until("document.querySelector('.file span')");
    assert.is(await tab.evaluate("document.querySelector('.file span').textContent"), name);
    assert.is(await tab.evaluate("document.querySelectorAll('.file b').length"), 0);

    await tab.choose('.file-input', [temporaryFile('large.bin', new Uint8Array(limits.fileBytes + 1))]);
    await tab.until("!document.querySelector('#problem').hidden");
    assert.is(
      await tab.evaluate("document.querySelector('#problem').textContent"),
      'A file has at most 32 MB.',
    );
    assert.not.match(wire(), 'gooseberry');
    assert.not.match(wire(), 'month,amount');
    assert.equal(tab.complaints, []);
  });

  inChromium('every exchange can be looked at by itself', async () => {
    const { open } = await openNotes();
    const tab = await open();
    const titles = [
      ['Key configuration', '/.well-known/sealwire'],
      ['Handshake', 'MLKEM768-X25519'],
      ['GET /feed', 'text/event-stream'],
    ] as const;
    for (const [title, shown] of titles) {
      await tab.evaluate(
        `[...document.querySelectorAll('.log button')].find((each) => each.textContent.startsWith('${title}')).click()`,
      );
      await tab.until(`document.querySelector('#stage').textContent.includes('${shown}')`);
      assert.not.ok(await tab.evaluate("document.querySelector('#follow').checked"));
    }
    assert.equal(tab.complaints, []);
  });

  inChromium(
    'a server that comes back with other keys is not believed, and the page says what to do',
    async () => {
      const { open, restart } = await openNotes();
      const tab = await open();
      restart(await StaticKeys.generate(['X25519']));
      await tab.until("document.querySelector('#live').textContent === 'offline'");
      for (const text of ['lost', 'lost again']) {
        await tab.evaluate("document.querySelector('#text').focus()");
        await tab.evaluate("document.querySelector('#text').value = ''");
        await tab.type(text);
        await tab.press('Enter');
        await tab.until("document.querySelector('#problem').textContent.includes('Reload the page')");
        // What was written is still there.
        await tab.until(`document.querySelector('#text').value === '${text}'`);
      }
      assert.is(await tab.evaluate("document.querySelectorAll('.note').length"), 1);
    },
  );

  inChromium('an upload shows how far it is, and ends when it is cancelled', async () => {
    const { open } = await openNotes();
    const tab = await open();
    await tab.send('Network.enable');
    await tab.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: 500_000,
    });
    await tab.choose('.file-input', [temporaryFile('slow.bin', new Uint8Array(4_000_000))]);
    // A share of it has gone, and not all.
    await tab.until("document.querySelector('.upload progress')?.value > 0.1");
    assert.ok(await tab.evaluate("document.querySelector('.upload progress').value < 1"));
    assert.match((await tab.evaluate("document.querySelector('.upload').textContent")) as string, /\d+ %/);
    await tab.evaluate("document.querySelector('.cancel').focus()");
    await tab.press('Enter');
    await tab.until("document.querySelector('.upload') === null");
    // Who works with the keyboard can choose again, and nobody calls it a problem.
    assert.ok(await tab.evaluate("document.activeElement.matches('.file-input')"));
    assert.ok(await tab.evaluate("document.querySelector('#problem').hidden"));
    assert.is(await (await open()).evaluate("document.querySelectorAll('.file').length"), 0);
  });

  inChromium('the same app without a seal shows what the seal is good for', async () => {
    const { open, wire } = await openNotes();
    const tab = await open();
    await addNote(tab, 'before-gooseberry');
    assert.not.match(wire(), 'gooseberry');

    await tab.evaluate("document.querySelector('[value=sealed]').focus()");
    await tab.press('ArrowRight');
    await tab.until("document.documentElement.dataset.way === 'unsealed'");
    await tab.until("document.querySelector('#live.on')");
    // The same notes, in the open.
    await tab.until("document.querySelector('.note-text')?.textContent === 'before-gooseberry'");
    await addNote(tab, 'after-gooseberry');
    await tab.until("document.querySelector('.cell.app').textContent.includes('POST /notes')");
    const everywhere = "every((cell) => cell.textContent.includes('after-gooseberry'))";
    await tab.until(`[...document.querySelectorAll('.cell')].${everywhere}`);
    assert.match(wire(), 'after-gooseberry');
    await tab.choose('.file-input', [temporaryFile('open.csv', 'month,mulberry')]);
    await tab.until("document.querySelector('.file span')?.textContent === 'open.csv'");
    await tab.until("document.querySelector('.upload') === null");
    assert.match(wire(), 'month,mulberry');

    await tab.evaluate("document.querySelector('[value=unsealed]').focus()");
    await tab.press('ArrowLeft');
    await tab.until("document.documentElement.dataset.way === 'sealed'");
    await tab.until("document.querySelector('#live.on')");
    await addNote(tab, 'sealed-raspberry');
    await tab.until("document.querySelector('.cdn').textContent.includes('POST /notes')");
    assert.not.match(wire(), 'raspberry');
    assert.equal(tab.complaints, []);
  });

  inChromium('a note for this browser only is there after a reload, and in no other browser', async () => {
    const { open, tap } = await openNotes();
    const tab = await open();
    const key = () => tab.evaluate("document.querySelector('#thumbprint').title");
    const before = await key();
    assert.match(before as string, /^Its key: [A-Za-z0-9_-]{43}$/);
    await tab.evaluate("document.querySelector('#bound').click()");
    await addNote(tab, 'mine alone');
    // So that what was there before the reload is not taken for what is there after it.
    await tab.evaluate("document.querySelector('#live').classList.remove('on'); location.reload()");
    await tab.until("document.querySelector('#live.on') && document.querySelectorAll('.note').length === 2");
    assert.is(await key(), before);
    const other = await (await startChromium()).open(tap.origin);
    await other.until(
      "document.querySelector('#live.on') && document.querySelectorAll('.note').length === 1",
    );
    // Without a seal the server does not know who asks.
    await tab.evaluate("document.querySelector('[value=unsealed]').click()");
    await tab.until("document.querySelectorAll('.note').length === 1");
    assert.ok(await tab.evaluate("document.querySelector('#bound').disabled"));
    assert.equal([...tab.complaints, ...other.complaints], []);
  });

  inChromium('the inspector lists what the page calls', async () => {
    const { open } = await openNotes();
    const tab = await open();
    await addNote(tab, 'inspect me');
    await tab.evaluate("document.querySelector('.panel').open = true");
    const titles = `[...document.querySelector('sealwire-inspector').shadowRoot.querySelectorAll('.title')]
      .map((title) => title.textContent)`;
    await tab.until(`${titles}.includes('POST /notes')`);
    assert.ok(((await tab.evaluate(titles)) as string[]).includes('GET /feed'));
    assert.equal(tab.complaints, []);
  });

  inChromium(
    'axe finds nothing that keeps anyone from using the page, by day, by night and without a seal',
    async () => {
      const { open } = await openNotes();
      const tab = await open();
      await addNote(tab, 'for everyone');
      await tab.choose('.file-input', [temporaryFile('list.csv', 'month,amount')]);
      await tab.until("document.querySelector('.file')");
      await tab.evaluate("document.querySelector('.panel').open = true");
      await tab.evaluate(readFileSync(createRequire(testPackage).resolve('axe-core/axe.min.js'), 'utf8'));
      const faults = () =>
        tab.evaluate(`axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) =>
        id + ': ' + nodes.map(({ html }) => html.slice(0, 80)).join(', ')))`);
      for (const value of ['light', 'dark']) {
        await tab.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] });
        assert.equal(await faults(), [], value);
      }
      await tab.evaluate("document.querySelector('[value=unsealed]').click()");
      await tab.until("document.querySelector('#live.on')");
      assert.equal(await faults(), [], 'without a seal');
    },
  );

  inChromium('nothing is wider than a small phone', async () => {
    const { open } = await openNotes();
    const tab = await open();
    await addNote(tab, `${'x'.repeat(300)} ${markup}`);
    const small = { width: 360, height: 740, deviceScaleFactor: 2, mobile: true };
    await tab.send('Emulation.setDeviceMetricsOverride', small);
    await tab.until('innerWidth === 360');
    assert.is(await tab.evaluate('document.documentElement.scrollWidth'), 360);
  });
}
