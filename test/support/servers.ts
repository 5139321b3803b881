import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SessionStore } from '@sealwire/core';
import { type SealwireOptions, sealwire } from '@sealwire/express';
import { createHandler, type Framework } from '@sealwire/node';
import type { Application } from 'express';
import type { Express } from './cases.ts';
import { recorded, secretKeys } from './recording.ts';
import { afterwards } from './resources.ts';

/** Keys that every test of a file shares: the suite that is cheapest to use. */
export const keys = await secretKeys(['X25519']);
export const pin = keys.pins[0] as string;

export interface Running {
  readonly origin: string;
  readonly port: number;
  readonly server: Server;
  close(): Promise<void>;
}

/** Starts a server on 127.0.0.1, on a free port unless one is given; it is closed after the test. */
export async function listen(listener?: RequestListener, port = 0): Promise<Running> {
  const server = createServer();
  if (listener !== undefined) server.on('request', listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  const { port: given } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  afterwards(close);
  return { origin: `http://127.0.0.1:${given}`, port: given, server, close };
}

export interface SealedServer extends Running {
  readonly app: Application;
  /** Pin of the identity of its keys. */
  readonly pin: string;
  readonly store: SessionStore;
}

export interface SealedAppOptions extends Omit<SealwireOptions, 'origins'> {
  /** What is mounted before sealwire(). */
  before?: (app: Application) => void;
  /** Default: the server's own. `'host'`: the Host of each request, as in development. */
  origins?: readonly string[] | 'host';
  /** Default: a free one. */
  port?: number;
}

/** Starts an Express app with sealwire() mounted before what `routes` mounts. */
export async function startSealed(
  express: Express,
  routes: (app: Application, express: Express) => void,
  { before, origins, port, ...given }: SealedAppOptions = {},
): Promise<SealedServer> {
  const running = await listen(undefined, port);
  const app = quietApp(express);
  const options = recorded(given);
  const serverKeys = options.keys ?? keys;
  before?.(app);
  app.use(
    sealwire({
      ...options,
      keys: serverKeys,
      ...(origins === 'host' ? {} : { origins: origins ?? [running.origin] }),
    }),
  );
  routes(app, express);
  running.server.on('request', app);
  return { ...running, app, store: options.store, pin: serverKeys.pins[0] as string };
}

/** Starts a plain Node server whose listener comes behind Sealwire, without any framework. */
export async function startSealedNode(
  listener: RequestListener,
  { origins, port, before: _none, ...given }: SealedAppOptions = {},
): Promise<Omit<SealedServer, 'app'>> {
  const running = await listen(undefined, port);
  const options = recorded(given);
  const serverKeys = options.keys ?? keys;
  const decided = origins === 'host' ? {} : { origins: origins ?? [running.origin] };
  const handle = createHandler({ ...options, keys: serverKeys, ...decided }, nodeFramework);
  running.server.on('request', (req, res) => {
    handle(req, res, (error) => {
      if (error === undefined) listener(req, res);
      else res.writeHead((error as { status?: number }).status ?? 500).end(String(error));
    });
  });
  return { ...running, store: options.store, pin: serverKeys.pins[0] as string };
}

/** What Sealwire has to know where there is no framework. */
export const nodeFramework: Framework = {
  outerUrl: (req) => req.url as string,
  mountPath: () => '',
  setUrl(req, path) {
    req.url = path;
  },
  allowsPlaintext: () => false,
};

/** Starts the same app without Sealwire, to compare with. */
export async function startPlain(
  express: Express,
  routes: (app: Application, express: Express) => void,
): Promise<Running & { app: Application }> {
  const app = quietApp(express);
  routes(app, express);
  return { ...(await listen(app)), app };
}

/** Express prints the errors of handlers, but for this environment. */
function quietApp(express: Express): Application {
  return express().set('env', 'test');
}
