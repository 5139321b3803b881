// The notes example, used by clicks and keys in a real Chromium: nothing that is typed, uploaded, named or streamed can
// be read in the network panel of DevTools or by whoever ends TLS.
import { readFile } from 'node:fs/promises';
import { StaticKeys } from '@sealwire/core';
import type { BrowserContext, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createNotesApp } from '../examples/express-notes/app.mjs';
import { listenerOf as koaListener } from '../examples/koa-notes/test/support/listener.ts';
import { createPage } from '../examples/notes-shared/page.mjs';
import type { ListenerOf } from '../examples/notes-shared/test/support/notes-server.ts';
import { bundle } from './support/bundles.ts';
import { it } from './support/cases.ts';
import { captureDevtools } from './support/devtools-capture.ts';
import { startGateway } from './support/gateways.ts';
import { placesOf } from './support/plaintext-forms.ts';
import { inChromium, startBrowser } from './support/playwright.ts';
import { startTap } from './support/proxies.ts';
import { startRecordingProxy } from './support/recording-proxy.ts';
import { listenSecure } from './support/secure-server.ts';
import { listen } from './support/servers.ts';

/** Where the page has what a person uses. */
const selectors = {
  live: '#live.on',
  text: '#text',
  note: '.note',
  noteText: '.note-text',
  fileInput: '.file-input',
  file: '.file:is(a, button), .file :is(a, button)',
  delete: '.delete',
};

const typed = 'Quitten für Łódź 🔒 4711';
const named = 'März-Gehälter 🍐 0815.csv';
const line = 'Stachelbeere;größer als 12,50 €\r\n';
/** Several records. */
const uploaded = line.repeat(5000);
/** How an event of the feed begins. */
const streamed = 'event: created\ndata: {';
const secrets = [typed, named, line, streamed];
const sealedType = 'application/vnd.sealwire';

const keys = await StaticKeys.generate();
const sendPage = await createPage({ pin: keys.pins[0] });

/** What lies between the browser and a server, and what can be read there. */
interface Wire {
  readonly origin: string;
  recorded(): Buffer[];
}

async function tapOf(server: { port: number }): Promise<Wire> {
  const tap = await startTap(server);
  const recorded = () => [tap.up, tap.down].map((each) => Buffer.concat(each));
  return { origin: `http://localhost:${tap.port}`, recorded };
}

async function cdnOf(server: { origin: string }): Promise<Wire> {
  const proxy = await startRecordingProxy(server);
  const recorded = () =>
    proxy.recorded.flatMap(({ head, body }) => [Buffer.from(head, 'latin1'), Buffer.concat(body)]);
  return { origin: proxy.origin, recorded };
}

interface Way {
  readonly name: string;
  readonly listenerOf: ListenerOf;
  readonly listen: typeof listen | typeof listenSecure;
  readonly wireOf: (server: { origin: string; port: number }) => Promise<Wire>;
  /** Of the connections of the browser. */
  readonly protocol: string;
}

const plainHttp = { listen, wireOf: tapOf, protocol: 'http/1.1' };
const ways: readonly Way[] = [
  { name: 'Express on http://localhost', listenerOf: createNotesApp, ...plainHttp },
  { name: 'Koa on http://localhost', listenerOf: koaListener, ...plainHttp },
  { name: 'Koa over HTTP/2', listenerOf: koaListener, listen: listenSecure, wireOf: cdnOf, protocol: 'h2' },
  {
    name: 'Express behind a CDN of HTTP/2',
    listenerOf: createNotesApp,
    listen,
    wireOf: cdnOf,
    protocol: 'h2',
  },
];

async function openTab(context: BrowserContext) {
  const tab = await context.newPage();
  const complaints: string[] = [];
  tab.on('pageerror', (error) => complaints.push(String(error)));
  return { tab, complaints, devtools: await captureDevtools(tab) };
}

const noteOf = (tab: Page) => tab.locator(selectors.note, { hasText: typed });

/** One person adds a note with a file, another one looks on, takes the file and deletes the note. */
async function useNotes(tab: Page, other: Page): Promise<void> {
  await tab.click(selectors.text);
  await tab.keyboard.type(typed);
  await tab.keyboard.press('Enter');
  await noteOf(other).waitFor();
  assert.is(await noteOf(other).locator(selectors.noteText).textContent(), typed);

  const chooser = tab.waitForEvent('filechooser');
  await noteOf(tab).locator(selectors.fileInput).focus();
  await tab.keyboard.press('Space');
  await (await chooser).setFiles({ name: named, mimeType: 'text/csv', buffer: Buffer.from(uploaded) });

  const download = other.waitForEvent('download');
  await noteOf(other).filter({ hasText: named }).locator(selectors.file).first().click();
  const file = await download;
  assert.is(file.suggestedFilename(), named);
  assert.is(await readFile(await file.path(), 'utf8'), uploaded);

  await noteOf(other).locator(selectors.delete).click();
  await noteOf(tab).waitFor({ state: 'detached' });
}

for (const { name, listenerOf, listen: start, wireOf, protocol } of ways) {
  inChromium(`neither DevTools nor whoever ends TLS reads anything of the notes (${name})`, async () => {
    const server = await start();
    const wire = await wireOf(server);
    const listener = listenerOf({ keys, origins: [wire.origin] });
    server.server.on('request', (req, res) => sendPage(req, res) || listener(req, res));

    const context = await startBrowser({ ignoreHTTPSErrors: true });
    const tabs = [await openTab(context), await openTab(context)] as const;
    for (const { tab } of tabs) {
      await tab.goto(wire.origin);
      await tab.locator(selectors.live).waitFor();
    }
    await useNotes(tabs[0].tab, tabs[1].tab);

    for (const { tab, complaints, devtools } of tabs) {
      const used = await tab.evaluate(() =>
        performance.getEntries().map((entry) => (entry as PerformanceResourceTiming).nextHopProtocol),
      );
      assert.equal([...new Set(used.filter(Boolean))], [protocol]);
      assert.equal(complaints, []);
      const recorded = await devtools.recorded();
      assert.equal(placesOf(secrets, recorded), []);
      assert.ok(placesOf([sealedType], recorded).length > 0);
    }
    assert.equal(placesOf(secrets, wire.recorded()), []);
    assert.ok(placesOf([sealedType], wire.recorded()).length > 0);
  });

  inChromium(`the same notes, sent unsealed, would be read in both (${name})`, async () => {
    const server = await listen();
    server.server.on('request', listenerOf({ keys, origins: [server.origin] }));
    // Here the browser speaks plain HTTP to a gateway, which seals.
    const wire = await wireOf(
      await startGateway({ origin: server.origin, identity: keys.pins[0] as string }),
    );

    const context = await startBrowser({ ignoreHTTPSErrors: true });
    const { tab, devtools } = await openTab(context);
    assert.is((await tab.goto(`${wire.origin}/notes`))?.status(), 200);
    await tab.addScriptTag({ content: await unsealedScript, type: 'module' });
    await tab.evaluate(([...all]) => (globalThis as never as Unsealed).useNotes(...all), [
      typed,
      named,
      uploaded,
    ] as const);

    for (const recorded of [await devtools.recorded(), wire.recorded()]) {
      for (const secret of secrets) assert.ok(placesOf([secret], recorded).length > 0, secret);
      assert.equal(placesOf([sealedType], recorded), []);
    }
  });
}

inChromium(
  'over HTTP/2 the wire view shows the bytes of a long upload, which goes out as a stream',
  async () => {
    const server = await listenSecure();
    const wire = await cdnOf(server);
    const listener = koaListener({ keys, origins: [wire.origin] });
    server.server.on('request', (req, res) => sendPage(req, res) || listener(req, res));
    const { tab, complaints } = await openTab(await startBrowser({ ignoreHTTPSErrors: true }));
    await tab.goto(wire.origin);
    await tab.locator(selectors.live).waitFor();

    const buffer = Buffer.alloc(2_000_000, 'quince');
    await tab.locator(selectors.fileInput).setInputFiles({ name: named, mimeType: 'text/csv', buffer });
    await tab.locator(selectors.file).waitFor();
    const request = tab.locator('.cell.on-wire').first();
    await request.filter({ hasText: '2.0 MB' }).waitFor();
    const shown = await request.locator('.hex').allTextContents();
    const bytes = Buffer.from(shown.join('').replaceAll(' ', ''), 'hex');
    assert.ok(bytes.length > 200);
    assert.ok(Buffer.concat(wire.recorded()).includes(bytes));
    assert.equal(complaints, []);
  },
);

interface Unsealed {
  useNotes(text: string, name: string, content: string): Promise<void>;
}

/** The page's own calls on the platform's fetch: what the example would be without Sealwire. */
const unsealedScript = bundle(
  'browser',
  `
import { createApi } from '../examples/notes-shared/page/api.js';
globalThis.useNotes = async (text, name, content) => {
  const api = createApi((path, init) => fetch(path, init));
  const changes = await api.changes();
  const note = await api.create(text);
  const file = await api.attach(note.id, new File([content], name));
  await (await api.download(note.id, file.id)).text();
  for await (const { type } of changes) if (type === 'changed') break;
  await api.remove(note.id);
};`,
);

it('a text is found in whatever form it stands between others', () => {
  const little = Buffer.from(`ab${typed}cd`, 'utf16le');
  const encoded = [Buffer.from(`abc${typed}defg`), little, Buffer.from(little).swap16()];
  const written = encoded.flatMap((bytes) =>
    (['latin1', 'hex', 'base64', 'base64url'] as const).flatMap((form) =>
      // Base64 has three ways to write the same bytes, by what is before them.
      [0, 1, 2].map((before) => bytes.subarray(before).toString(form)),
    ),
  );
  const inUrls = [encodeURIComponent(`a${typed}b`), `${new URLSearchParams({ a: typed })}&b`];
  const inLowerCase = inUrls.map((url) => url.replace(/%../g, (each) => each.toLowerCase()));
  for (const text of [...written, ...inUrls, ...inLowerCase]) {
    const recorded = [Buffer.from(text, 'latin1')];
    assert.ok(placesOf([typed], recorded).length > 0, text);
    assert.equal(placesOf([`${typed}!`], recorded), [], text);
  }
});

test.run();
