import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from './cases.ts';
import { afterwards } from './resources.ts';

// A real Chromium, driven over its DevTools protocol: https://chromedevtools.github.io/devtools-protocol/

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Path of the machine's Chromium; undefined if it has none. `CHROME_PATH` names one that is elsewhere. */
export function findChromium(): string | undefined {
  const { CHROME_PATH, PATH = '' } = process.env;
  if (CHROME_PATH) return CHROME_PATH;
  return PATH.split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** Starts Chromium with an empty profile and further flags; it ends after the test. */
export async function startChromium(further: readonly string[] = []): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'sealwire-chromium-'));
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--mute-audio'];
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const child = spawn(
    findChromium() as string,
    [...flags, ...quiet, ...further, `--user-data-dir=${profile}`, '--remote-debugging-pipe', 'about:blank'],
    // The browser reads commands from descriptor 3 and writes answers and events to 4.
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const closed = once(child, 'close');
  const browser = new Browser(child.stdio[3] as Writable, child.stdio[4] as Readable);
  afterwards(async () => {
    browser.send('Browser.close').catch(() => {});
    await within(closed, 'the end of Chromium').catch(() => child.kill('SIGKILL'));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  return browser;
}

class Browser {
  readonly #commands: Writable;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners = new Set<(message: Message) => void>();
  #lastId = 0;

  constructor(commands: Writable, answers: Readable) {
    this.#commands = commands.on('error', () => {});
    let rest = '';
    answers.setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\0');
      rest = messages.pop() as string;
      for (const message of messages) this.#take(JSON.parse(message));
    });
  }

  #take(message: Message): void {
    if (message.id === undefined) for (const listener of this.#listeners) listener(message);
    else this.#waiting.get(message.id)?.(message);
  }

  /** Calls a method of the protocol. */
  async send(method: string, params = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    this.#commands.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await within(answer, method, 15_000).finally(() => this.#waiting.delete(id));
    if (result === undefined) throw new Error(`${method}: ${error?.message}`);
    return result;
  }

  listen(listener: (message: Message) => void): void {
    this.#listeners.add(listener);
  }

  /** Opens a page in a tab of its own. */
  async open(url: string): Promise<Page> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId as string);
    for (const domain of ['Runtime', 'Log', 'Page']) await page.send(`${domain}.enable`);
    await page.send('Page.navigate', { url });
    return page;
  }
}

/** In a page that is about to be another one nothing is true yet. */
function unlessNavigating(error: Error): false {
  if (/navigated or closed|context was destroyed|Cannot find/.test(error.message)) return false;
  throw error;
}

/** One tab. */
export class Page {
  readonly #browser: Browser;
  readonly #sessionId: string;
  /** What the page complained about: exceptions, errors on the console, violations of its policy. */
  readonly complaints: string[] = [];

  constructor(browser: Browser, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
    browser.listen((message) => {
      const { method, params = {}, sessionId: from } = message as Message & { sessionId?: string };
      if (from !== sessionId) return;
      const { type, entry } = params as { type?: string; entry?: { level: string } };
      const bad =
        method === 'Runtime.exceptionThrown' ||
        (method === 'Runtime.consoleAPICalled' && type === 'error') ||
        (method === 'Log.entryAdded' && entry?.level === 'error');
      if (bad) this.complaints.push(JSON.stringify(params));
    });
  }

  send(method: string, params = {}): Promise<Record<string, unknown>> {
    return this.#browser.send(method, params, this.#sessionId);
  }

  /** The value of an expression in the page, promises awaited. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: unknown }).value;
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string, limit = 10_000): Promise<void> {
    const end = performance.now() + limit;
    while (!(await this.evaluate(`Boolean(${expression})`).catch(unlessNavigating))) {
      if (performance.now() > end) throw new Error(`not within ${limit} ms: ${expression}`);
      await sleep(30);
    }
  }

  /** Types into what has the focus. */
  async type(text: string): Promise<void> {
    await this.send('Input.insertText', { text });
  }

  /** Presses one of the keys that the tests need, as a person does. */
  async press(key: 'Enter' | 'Tab' | ' ' | 'ArrowLeft' | 'ArrowRight'): Promise<void> {
    const codes = {
      Enter: ['Enter', 13, '\r'],
      Tab: ['Tab', 9, ''],
      ' ': ['Space', 32, ' '],
      ArrowLeft: ['ArrowLeft', 37, ''],
      ArrowRight: ['ArrowRight', 39, ''],
    } as const;
    const [code, windowsVirtualKeyCode, text] = codes[key];
    const event = { key, code, windowsVirtualKeyCode };
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event, ...(text && { text }) });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  /** Chooses files in an `<input type="file">`. */
  async choose(selector: string, files: readonly string[]): Promise<void> {
    const { result } = await this.send('Runtime.evaluate', {
      expression: `document.querySelector(${JSON.stringify(selector)})`,
    });
    const { objectId } = result as { objectId: string };
    await this.send('DOM.setFileInputFiles', { objectId, files });
  }
}
