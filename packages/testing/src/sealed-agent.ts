import type { IncomingMessage, ServerResponse } from 'node:http';
import { type GatewayListener, type GatewayOptions, gatewayListener } from '@sealwire/client/node';
import supertest from 'supertest';
import { AppServer, type TestedApp } from './app-server.ts';
import { Failures } from './failures.ts';
import { readOrigins, targetOf } from './origins.ts';

export interface SealedAgentOptions {
  /** The pin of the app (`sw1…`). Without one whatever it signs is taken: it runs in this process, nobody stands between. */
  identity?: string | readonly string[];
  /** A key that signs handshakes, for apps that know their clients by `req.sealed.client`. */
  clientKey?: GatewayOptions['clientKey'];
}

/**
 * A supertest agent whose requests reach the app sealed, and whose responses are opened before the test sees them. What
 * is chained is supertest's own, cookies included.
 *
 * @param app an Express app, Koa's `app.callback()`, any function `(req, res)`, or a server of node:http or node:https
 * @example
 * const agent = sealedAgent(app);
 * await agent.post('/orders').send({ item: 'tea' }).expect(201, { ordered: 'tea' });
 *
 * @throws SealwireError `invalid-option`; a request rejects with the SealwireError that a client of the app would get
 */
export function sealedAgent(
  app: TestedApp,
  options: SealedAgentOptions = {},
): InstanceType<typeof supertest.agent> {
  const server = new AppServer(app);
  const failures = new Failures();
  let relaying: Promise<GatewayListener> | undefined;

  async function relay(req: IncomingMessage, res: ServerResponse): Promise<void> {
    failures.recognise(req, res);
    try {
      relaying ??= connect(server, options, failures);
      const listener = await relaying;
      if (!res.destroyed) listener(req, res);
    } catch (error) {
      relaying = undefined;
      failures.fail(res, error);
    }
  }

  // supertest opens it for a request and closes it after the last one, but for one that is aborted.
  const double = server.double(relay).unref();
  double.on('close', () => server.close());
  return supertest.agent(double).use(failures.plugin);
}

/** The gateway in front of the app: it keeps configuration and session for all requests of an agent. */
async function connect(
  server: AppServer,
  { identity, clientKey }: SealedAgentOptions,
  failures: Failures,
): Promise<GatewayListener> {
  const { fetch, scheme } = server;
  const origins = await readOrigins(fetch, scheme);
  return gatewayListener(
    {
      origin: origins.first,
      fetch,
      outerFields: '*',
      ...(identity === undefined ? { trust: 'tls' } : { identity }),
      ...(clientKey && { clientKey }),
    },
    {
      target: (req) => targetOf(req, scheme, origins, server.trustsProxies),
      location: (named) => named,
      fail: failures.fail,
    },
  );
}
