// A page of one origin and a sealed API of another one, in a real Chromium.
import type { IncomingMessage } from 'node:http';
import { MemorySessionStore, type SessionStore, StaticKeys } from '@sealwire/core';
import cors from 'cors';
import express, { type Application } from 'express';
import { bundle } from './bundles.ts';
import { startChromium } from './chromium.ts';
import { type Koa, cors as koaCors, koas, mount, startKoa } from './koa.ts';
import { listen, pin, type Running, startSealed } from './servers.ts';

/** Answers of the API's `cors()`: to everything, to Sealwire's endpoints only, or by lists of what is allowed. */
export type Cors = 'all' | 'endpoints' | 'lists';

export interface ApiOptions {
  readonly cors?: Cors;
  /** Whether pages may send cookies; default: they may. */
  readonly credentials?: boolean;
  readonly keys?: StaticKeys;
  /** Default: a free one. */
  readonly port?: number;
}

/** What the server of an API saw and did. */
export class ApiLog {
  /** Sessions of the requests that reached a handler. */
  readonly sessions: (string | undefined)[] = [];
  /** Preflights: path, and what they ask for; status of their answer. */
  readonly preflights: { asked: string; status: number }[] = [];
  /** Method and path of everything else. */
  readonly requests: string[] = [];
  readonly store: SessionStore = new MemorySessionStore();

  watch({ server }: Running): void {
    server.on('request', (req: IncomingMessage, res) => {
      const { method, url, headers } = req;
      if (method !== 'OPTIONS') {
        this.requests.push(`${method} ${url}`);
        return;
      }
      const wanted = headers['access-control-request-headers'];
      const asked = `${url}: ${headers['access-control-request-method']} ${wanted}`;
      res.on('finish', () => this.preflights.push({ asked, status: res.statusCode }));
    });
  }
}

type StartApi = (pageOrigin: string, log: ApiLog, options?: ApiOptions) => Promise<Running>;

const endpoints = '/.well-known/sealwire';
const cookie = 'who=me; Path=/; HttpOnly';

/** The same API by framework. */
export const apis: Record<string, StartApi> = {
  async Express(origin, log, { cors: mode = 'all', credentials = true, ...options } = {}) {
    const answer = cors({
      origin,
      credentials,
      ...(mode === 'lists' && { allowedHeaders: ['Sealwire', 'Content-Type'], exposedHeaders: ['X-Other'] }),
    });
    const before = (app: Application) =>
      void (mode === 'endpoints' ? app.use(endpoints, answer) : app.use(answer));
    const routes = (app: Application) => {
      app.use((req, _res, next) => {
        log.sessions.push(req.sealed?.sid);
        next();
      });
      app.all('/orders', express.text(), (req, res) => {
        res.status(201).set('x-mine', 'shown').send(req.body);
      });
      app.get('/login', (_req, res) => void res.set('set-cookie', cookie).send('welcome'));
      app.get('/whoami', (req, res) => void res.send(req.headers.cookie ?? 'nobody'));
      app.all('/moved', (req, res) => res.redirect(307, String(req.query.to)));
      app.all('/broken', () => {
        throw Object.assign(new Error('on purpose'), { status: 418, expose: true });
      });
    };
    const server = await startSealed(express, routes, {
      ...{ store: log.store, before, origins: 'host' },
      ...options,
    });
    log.watch(server);
    return server;
  },
  async Koa(origin, log, { cors: mode = 'all', credentials = true, ...options } = {}) {
    const answer = koaCors({
      origin,
      credentials,
      ...(mode === 'lists' && { allowHeaders: 'Sealwire,Content-Type', exposeHeaders: 'X-Other' }),
    });
    const before = (app: Koa) => void app.use(mode === 'endpoints' ? mount(endpoints, answer) : answer);
    const routes = (app: Koa) => {
      app.use((ctx) => {
        log.sessions.push(ctx.sealed?.sid);
        switch (ctx.path) {
          case '/orders':
            ctx.status = 201;
            ctx.set('x-mine', 'shown');
            ctx.body = ctx.req;
            break;
          case '/login':
            ctx.set('set-cookie', cookie);
            ctx.body = 'welcome';
            break;
          case '/whoami':
            ctx.body = ctx.get('cookie') || 'nobody';
            break;
          case '/moved':
            ctx.redirect(String(ctx.query.to));
            ctx.status = 307;
            break;
          case '/broken':
            ctx.throw(418, 'on purpose');
        }
      });
    };
    const server = await startKoa(koas[1].Koa, routes, {
      ...{ store: log.store, before, origins: 'host' },
      ...options,
    });
    log.watch(server);
    return server;
  },
};

/** What became of a call of the page. */
export interface Asked {
  status?: number;
  text?: string;
  /** A header that the API sets. */
  mine?: string | null;
  url?: string;
  redirected?: boolean;
  /** Of an error. */
  name?: string;
  code?: string;
  message?: string;
}

const script = await bundle(
  'browser',
  `
import { createSealedFetch } from '@sealwire/client';
const clients = {};
globalThis.ask = async (options, path, init) => {
  const sealedFetch = (clients[JSON.stringify(options)] ??= createSealedFetch(options));
  try {
    const response = await sealedFetch(path, init);
    const { status, url, redirected, headers } = response;
    return { status, text: await response.text(), mine: headers.get('x-mine'), url, redirected };
  } catch ({ name, code, message }) {
    return { name, code, message };
  }
};
document.title = 'ready';`,
);

/** Starts a page of its own origin in Chromium. */
export async function openCrossOriginPage() {
  /** What the page's own origin was asked for but for the page. */
  const asked: string[] = [];
  const { origin } = await listen((req, res) => {
    const files: Record<string, [type: string, body: string]> = {
      '/': [
        'text/html',
        '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
      ],
      '/page.js': ['text/javascript', script],
    };
    const file = files[req.url as string];
    if (file === undefined) asked.push(`${req.method} ${req.url}`);
    const [type, body] = file ?? ['text/plain', 'of the page'];
    res.setHeader('content-type', type);
    res.end(body);
  });
  return {
    origin,
    asked,
    /** Opens it. @returns what calls the API with a sealed fetch of the page; the same options take the same one */
    async open(api: { origin: string }, trusted = pin) {
      const page = await (await startChromium()).open(`${origin}/`);
      await page.until("document.title === 'ready'");
      return async (path: string, init: object = {}, options: object = {}): Promise<Asked> => {
        const all = { origin: api.origin, identity: trusted, suites: ['X25519'], ...options };
        const parameters = [all, path, init].map((each) => JSON.stringify(each));
        return (await page.evaluate(`ask(${parameters.join()})`)) as Asked;
      };
    },
  };
}

/** Two sets of keys of one identity: before and after its KEM key was exchanged. */
export async function twoKeysOfOneIdentity(): Promise<readonly [StaticKeys, StaticKeys]> {
  const [first, second] = await Promise.all([
    StaticKeys.generateExported(['X25519']),
    StaticKeys.generateExported(['X25519']),
  ]);
  const { identity } = JSON.parse(first) as { identity: object };
  const exchanged = JSON.stringify({ ...JSON.parse(second), identity });
  return [await StaticKeys.import(first), await StaticKeys.import(exchanged)];
}
