import type { ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { StaticKeys } from '@sealwire/core';
import cors from 'cors';
import type { Application } from 'express';
import type { BrowserContext, Page } from 'playwright-core';
import { bundle } from './bundles.ts';
import { Arrivals, frameworks } from './cases.ts';
import { startBrowser } from './playwright.ts';
import { startTap } from './proxies.ts';
import { pin, type SealedServer, startSealed } from './servers.ts';

// An app that knows nothing of Sealwire but one line: its worker seals what it does by the platform's own means.

const pageScript = await bundle(
  'browser',
  `
import { createSealedFetch } from '@sealwire/client';
import { registerSealedWorker } from '@sealwire/client/worker';
globalThis.failures = [];
globalThis.makeSealedFetch = (identity) => createSealedFetch({ origin: location.origin, identity });
const onFailure = ({ code }, { method, url }) => failures.push([code, method, new URL(url).pathname]);
globalThis.register = async (worker = '/worker.js') => {
  try {
    await registerSealedWorker(worker, { onFailure });
    return 'sealed';
  } catch (error) {
    return error.code + ': ' + error.message;
  }
};`,
);

const page = `<!doctype html><title>An app</title><link rel="icon" href="data:,"><script src="/assets/page.js" type="module"></script>
<form id="form" method="post" action="/form" enctype="multipart/form-data">
  <input name="word" value="rhubarb"><input name="file" type="file"><button>Send</button>
</form>`;

function workerScript(options: Record<string, unknown>): Promise<string> {
  return bundle(
    'browser',
    `
import { sealRequests } from '@sealwire/client/worker';
sealRequests(${JSON.stringify({ identity: pin, suites: ['X25519'], except: ['/', '/assets/*'], ...options })});`,
  );
}

/** Four seconds of silence. */
const sound = silence(4);

/** A WAV file: PCM, one channel, one byte a sample. */
function silence(seconds: number): Buffer {
  const rate = 8000;
  const header = Buffer.from('RIFF....WAVEfmt ....................data....', 'latin1');
  for (const [offset, value] of [
    [4, 36 + rate * seconds],
    [16, 16],
    [24, rate],
    [28, rate],
    [40, rate * seconds],
  ] as const)
    header.writeUInt32LE(value, offset);
  for (const [offset, value] of [
    [20, 1],
    [22, 1],
    [32, 1],
    [34, 8],
  ] as const)
    header.writeUInt16LE(value, offset);
  return Buffer.concat([header, Buffer.alloc(rate * seconds, 128)]);
}

/** The app's server side, and what happens in it. */
export class AppServer {
  /** Responses of `/feed` and `/waiting`, to be written by the test. */
  readonly open = new Arrivals<ServerResponse>();
  /** Of those: the ones that were closed by their client. */
  readonly closed = new Arrivals<string>();

  /** Method and path of every request that arrived. */
  readonly requests: string[] = [];

  /** The content security policy of the page; default: none. */
  policy: string | undefined;

  /** What `/sound` was asked for. */
  readonly ranges: string[] = [];

  /** What is behind Sealwire. */
  routes = (app: Application): void => {
    app.all('/echo', async (req, res) => {
      const body = await text(req);
      res.json({
        method: req.method,
        url: req.url,
        headers: req.headers,
        body,
        n: req.sealed?.n,
        suite: req.sealed?.suite,
      });
    });
    app.post('/form', async (req, res) => {
      const body = await text(req);
      res.setHeader('content-security-policy', "default-src 'none'");
      res.type('html').send(`<title>Thanks</title><pre>${body.replaceAll('<', '')}</pre>`);
    });
    app.get(['/feed', '/waiting'], (req, res) => {
      res.on('close', () => res.writableFinished || this.closed.push(req.path));
      if (req.path === '/feed') res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      this.open.push(res);
    });
    app.get('/file', (req, res) => {
      res.sendFile('package.json', { root: process.cwd(), headers: { 'x-range': req.headers.range ?? '' } });
    });
    app.all('/moved/:status', (req, res) => {
      res.redirect(Number(req.params.status), String(req.query.to));
    });
    app.get('/sound', (req, res) => {
      this.ranges.push(req.headers.range ?? 'none');
      const [, start = 0] = /^bytes=(\d+)-$/.exec(req.headers.range ?? '') ?? [];
      const part = sound.subarray(Number(start));
      const range = `bytes ${start}-${sound.length - 1}/${sound.length}`;
      res.writeHead(206, {
        'content-type': 'audio/wav',
        'content-length': part.length,
        'content-range': range,
      });
      res.end(part);
    });
    app.get('/cut', (_req, res) => {
      res.write('the beginning');
      setTimeout(() => res.destroy(), 50);
    });
  };

  /** What is before it: the page's own files, and one that forgot to be behind it. */
  before(workerScript: () => string): (app: Application) => void {
    return (app) => {
      app.get('/', (_req, res) => {
        if (this.policy) res.setHeader('content-security-policy', this.policy);
        res.send(page);
      });
      app.get('/assets/page.js', (_req, res) => {
        res.type('js').send(pageScript);
      });
      app.get('/forgotten', (_req, res) => {
        res.send('in the clear');
      });
      app.get('/worker.js', (_req, res) => {
        res.type('js').send(workerScript());
      });
    };
  }
}

/** The app behind a tap on the wire. */
export interface RunningApp {
  readonly app: AppServer;
  /** Where the page is. */
  readonly pageOrigin: string;
  /** What the worker seals for. */
  readonly origin: string;
  readonly server: SealedServer;
  /** What was on the wire so far, both ways. */
  wire(): string;
}

interface AppOptions {
  /** The sealed origin is another one than the page's. */
  api?: boolean;
  /** Of the worker. */
  options?: Record<string, unknown>;
  /** Of the server; default: those of the tests. */
  keys?: StaticKeys;
}

/** Starts the app; it is closed after the test. */
export async function startApp({ api = false, options = {}, keys }: AppOptions = {}): Promise<RunningApp> {
  const { express } = frameworks[1] as (typeof frameworks)[0];
  const app = new AppServer();
  let script = '';
  const files = app.before(() => script);
  const server = await startSealed(express, app.routes, {
    origins: 'host',
    ...(keys && { keys }),
    before: (each) => {
      if (api) each.use(cors({ origin: (origin, callback) => callback(null, origin), credentials: true }));
      else files(each);
    },
  });
  server.server.on('request', ({ method, url }) => app.requests.push(`${method} ${url}`));
  const tap = await startTap(server);
  script = await workerScript({ origin: tap.origin, ...options });
  const pages = api ? await startSealed(express, () => {}, { before: files }) : tap;
  const wire = () => Buffer.concat([...tap.up, ...tap.down]).toString('latin1');
  return { app, pageOrigin: pages.origin, origin: tap.origin, server, wire };
}

export interface SealedApp extends RunningApp {
  readonly context: BrowserContext;
  /** Opens the page in a tab, without a worker. */
  open(): Promise<Page>;
  /** Opens it and waits until it is sealed. */
  openSealed(): Promise<Page>;
}

/** Starts the app and a browser. */
export async function startSealedApp(options?: AppOptions): Promise<SealedApp> {
  const running = await startApp(options);
  const context = await startBrowser();
  const open = async () => {
    const tab = await context.newPage();
    await tab.goto(`${running.pageOrigin}/`);
    await tab.waitForFunction('globalThis.register');
    return tab;
  };
  return {
    ...running,
    context,
    open,
    async openSealed() {
      const tab = await open();
      const outcome = await tab.evaluate('register()');
      if (outcome !== 'sealed') throw new Error(String(outcome));
      return tab;
    },
  };
}
