import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { SealwireError } from '@sealwire/core';
import { call } from '../call.ts';
import { resolveClientOptions, type SealedFetchOptions } from '../options.ts';
import { SessionManager } from '../session-manager.ts';
import { discard } from './body-stream.ts';
import { refuseForeign } from './callers.ts';
import { gatewayProblem, sendGatewayProblem } from './gateway-problem.ts';
import { planOf } from './incoming-plan.ts';
import { nodeFetch } from './node-fetch.ts';
import { relay } from './relay.ts';
import { targetOf } from './request-target.ts';

/** As of createSealedFetch; `fetch` is nodeFetch() by default. */
export type GatewayOptions = Omit<SealedFetchOptions, 'otherOrigins'>;

/** Headers that tools add by themselves and that mean nothing to a server. */
const ofTools = ['postman-token'];

/**
 * A plain HTTP server that seals every request to one origin and opens every response, for programs that cannot:
 * curl, Postman, test suites, other languages. What arrives at it is plaintext, so let it listen on loopback only.
 *
 * @example
 * createGateway({ origin: 'https://api.example.com', identity: 'sw1…' }).listen(8081, '127.0.0.1');
 *
 * @throws SealwireError `invalid-option`
 */
export function createGateway(options: GatewayOptions): Server {
  const listener = gatewayListener(options, (req, origin) => {
    refuseForeign(req);
    return targetOf(req, origin);
  });
  // How long an upload may take is for the server to say.
  const server = createServer({ requestTimeout: 0 }, listener);
  server.on('connect', (_req, socket) => {
    const error = new SealwireError(
      'malformed',
      'A gateway makes no tunnels: call it in place of the server.',
    );
    const { status, headers, body } = gatewayProblem(error);
    const lines = Object.entries({ ...headers, connection: 'close' }).map((field) => field.join(': '));
    socket.on('error', () => {});
    socket.end([`HTTP/1.1 ${status} Bad Request`, ...lines, '', body].join('\r\n'));
  });
  return server;
}

export type GatewayListener = (req: IncomingMessage, res: ServerResponse) => void;

/**
 * What a gateway does with each request.
 * @param target the URL that a request is for
 */
export function gatewayListener(
  options: GatewayOptions,
  target: (req: IncomingMessage, origin: string) => URL,
): GatewayListener {
  const { outerFields = [] } = options;
  const settings = resolveClientOptions({
    ...options,
    fetch: options.fetch ?? nodeFetch(),
    outerFields: Array.isArray(outerFields) ? [...outerFields, ...ofTools] : outerFields,
  });
  const sessions = new SessionManager(settings);

  async function pass(req: IncomingMessage, res: ServerResponse, signal: AbortSignal): Promise<void> {
    const url = target(req, settings.origin);
    const plan = await planOf(req, url, signal);
    await relay(await call(settings, sessions, plan), plan, res);
  }

  return (req, res) => {
    const aborted = new AbortController();
    // Whoever asked is gone, or was answered, perhaps before he had sent everything.
    res.on('close', () => {
      aborted.abort();
      discard(req);
    });
    const begin = () => {
      pass(req, res, aborted.signal).catch((error) => sendGatewayProblem(res, error));
    };
    // One that waits for others of its connection would not hear that the connection is gone; its turn may come even then.
    if (res.socket === null) res.once('socket', (socket) => socket.destroyed || begin());
    else begin();
  };
}
