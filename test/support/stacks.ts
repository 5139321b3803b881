import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { MemorySessionStore, type SessionStore } from '@sealwire/core';
import { sealwire as sealExpress } from '@sealwire/express';
import { sealwire as sealKoa } from '@sealwire/koa';
import { createHandler } from '@sealwire/node';
import type { Application } from 'express';
import { type Express, frameworks } from './cases.ts';
import { type Koa, type KoaClass, koas, quietKoa } from './koa.ts';
import { recorded } from './recording.ts';
import { afterwards } from './resources.ts';
import { keys, nodeFramework, pin } from './servers.ts';

export type { Koa };

/** One application, as it is written for each kind of server; where a kind has no writing of its own, `listener` serves. */
export interface StackApp {
  express?: (app: Application, express: Express) => void;
  koa?: (app: Koa) => void;
  listener?: RequestListener;
  /** What is mounted before Sealwire. */
  before?: { express?: (app: Application) => void; koa?: (app: Koa) => void };
}

/** A framework and the protocol that it is served over. */
export interface Stack {
  readonly name: string;
  readonly kind: 'express' | 'koa' | 'node';
  readonly http2: boolean;
  /** The application as a listener, behind Sealwire if there is a store. Without an origin, as in development. */
  listener(app: StackApp, origin: string | undefined, store: SessionStore | undefined): RequestListener;
}

/** A running application; `pin` is that of its keys if it is behind Sealwire. */
export interface StackServer {
  readonly origin: string;
  readonly port: number;
  readonly server: Server;
  readonly pin: string;
  readonly store: SessionStore;
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

function sealing(origin: string | undefined, store: SessionStore) {
  return recorded({ keys, store, ...(origin !== undefined && { origins: [origin] }) });
}

function expressStack(name: string, express: Express): Stack {
  return {
    name,
    kind: 'express',
    http2: false,
    listener({ express: routes, listener, before }, origin, store) {
      // Express prints the errors of handlers, but for this environment.
      const app = express().set('env', 'test');
      before?.express?.(app);
      if (store !== undefined) app.use(sealExpress(sealing(origin, store)));
      if (routes !== undefined) routes(app, express);
      else app.use((req, res) => listener?.(req, res));
      return app;
    },
  };
}

function koaStack({ name, Koa }: { name: string; Koa: KoaClass }, http2 = false): Stack {
  return {
    name: http2 ? `${name} on http2` : name,
    kind: 'koa',
    http2,
    listener({ koa: routes, listener, before }, origin, store) {
      const app = quietKoa(Koa);
      before?.koa?.(app);
      if (store !== undefined) app.use(sealKoa(sealing(origin, store)));
      if (routes !== undefined) routes(app);
      else {
        app.use((ctx) => {
          ctx.respond = false;
          // Koa begins every response as a 404.
          ctx.res.statusCode = 200;
          listener?.(ctx.req, ctx.res);
        });
      }
      return app.callback();
    },
  };
}

function nodeStack(name: string, http2: boolean): Stack {
  return {
    name,
    kind: 'node',
    http2,
    listener({ listener }, origin, store) {
      if (listener === undefined) throw new Error(`there is no listener for ${name}`);
      if (store === undefined) return listener;
      const handle = createHandler(sealing(origin, store), nodeFramework);
      return (req, res) => {
        handle(req, res, (error) => {
          if (error === undefined) listener(req, res);
          else res.writeHead(500).end(String(error));
        });
      };
    },
  };
}

/** Every server that the behaviours of requests and responses are compared on. */
export const stacks: readonly Stack[] = [
  ...frameworks.map(({ name, express }) => expressStack(name, express)),
  ...koas.map((each) => koaStack(each)),
  koaStack(koas[1], true),
  nodeStack('node:http2', true),
];

/** No framework, and HTTP/1. */
export const nodeHttp: Stack = nodeStack('node:http', false);

/** Starts an application on a stack, behind Sealwire unless `sealed` is false. It is closed after the test. */
export async function startStack(
  stack: Stack,
  app: StackApp,
  { sealed = true, store = new MemorySessionStore() }: { sealed?: boolean; store?: SessionStore } = {},
): Promise<StackServer> {
  const server = (stack.http2 ? createHttp2Server() : createServer()) as Server;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  server.on('request', stack.listener(app, origin, sealed ? store : undefined));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  afterwards(close);
  return { origin, port, server, pin, store, sockets, close };
}
