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
import { ownLocation, relay } from './relay.ts';
import { targetOf } from './request-target.ts';

/** As of createSealedFetch; `fetch` is nodeFetch() by default. */
export type GatewayOptions = Omit<SealedFetchOptions, 'otherOrigins'>;

/** Headers that tools and browsers add by themselves, and that no application authenticates anybody by. */
const ofTools = ['postman-token', 'priority', 'purpose', 'save-data', 'upgrade-insecure-requests'];

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
  const listener = gatewayListener(options, {
    target(req, origin) {
      refuseForeign(req);
      return targetOf(req, origin);
    },
    location: ownLocation,
    fail: sendGatewayProblem,
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

/** What gateways differ in. */
export interface GatewayManners {
  /** The URL that a request is for. */
  target(req: IncomingMessage, origin: string): URL;
  /** What becomes of a `Location` that a request for this URL is answered with. */
  location(location: string, url: URL, req: IncomingMessage): string;
  /** Ends a response that cannot be relayed. */
  fail(res: ServerResponse, error: unknown): void;
}

/** What a gateway does with each request. */
export function gatewayListener(
  options: GatewayOptions,
  { target, location, fail }: GatewayManners,
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
    const answer = await call(settings, sessions, plan);
    await relay(answer, plan, res, (named) => location(named, url, req), settings.sealCookies);
  }

  return (req, res) => {
    const aborted = new AbortController();
    let relayed = false;
    const stop = () => {
      aborted.abort();
      discard(req);
    };
    // Whoever asked is gone, or got an answer of the gateway's own; or has an answer and may still be sending.
    res.on('close', () => {
      if (!relayed || !res.writableFinished) stop();
      else if (!req.complete) whenGone(req, stop);
    });
    const begin = () => {
      pass(req, res, aborted.signal).then(
        () => {
          relayed = true;
        },
        (error) => fail(res, error),
      );
    };
    // One that waits for others of its connection would not hear that the connection is gone; its turn may come even then.
    if (res.socket === null) res.once('socket', (socket) => socket.destroyed || begin());
    else begin();
  };
}

/** Tells of a client that goes away in the middle of its body after it was answered, of which Node tells nothing. */
function whenGone(req: IncomingMessage, then: () => void): void {
  const { socket } = req;
  const closed = () => {
    if (!req.complete) then();
  };
  if (socket.destroyed) {
    closed();
    return;
  }
  socket.once('close', closed);
  req.once('end', () => socket.off('close', closed));
}
