import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { SealwireError } from '@sealwire/core';
import { call } from '../call.ts';
import { resolveClientOptions, type SealedFetchOptions } from '../options.ts';
import { SessionManager } from '../session-manager.ts';
import { refuseForeign } from './callers.ts';
import { planOf } from './incoming-plan.ts';
import { nodeFetch } from './node-fetch.ts';
import { relay, sendGatewayProblem } from './relay.ts';

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
  return createServer(listener);
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
    // Whoever asked is gone, or was answered.
    res.on('close', () => aborted.abort());
    pass(req, res, aborted.signal).catch((error) => sendGatewayProblem(res, error));
  };
}

/** @throws SealwireError `malformed`, `other-origin` */
export function targetOf(req: IncomingMessage, origin: string): URL {
  const target = req.url as string;
  const url = target.startsWith('/') ? origin + target : target;
  if (!/^https?:/.test(url) || !URL.canParse(url))
    throw new SealwireError('malformed', `The target is ${target}.`);
  // As to a proxy, which a gateway is for its own origin only.
  if (new URL(url).origin !== origin)
    throw new SealwireError('other-origin', `${new URL(url).origin} is not ${origin}.`);
  if (new URL(url).pathname.startsWith('//'))
    throw new SealwireError('malformed', 'The path begins with two slashes; it may begin with one.');
  return new URL(url);
}
