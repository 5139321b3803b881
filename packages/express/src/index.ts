import type { IncomingMessage } from 'node:http';
import {
  allowPlaintextRequest,
  createHandler,
  type Framework,
  requireSealedRequest,
  type Sealed,
  type SealwireOptions,
} from '@sealwire/node';
import type { Request, RequestHandler } from 'express';
import { expectProperties } from './dictionary-mode.ts';
import { allowsPlaintext, markRoute } from './plaintext-routes.ts';

export { isSealwireError, SealwireError, StaticKeys } from '@sealwire/core';
export type { Sealed, SealwireOptions } from '@sealwire/node';

declare global {
  namespace Express {
    interface Request {
      /** What is known of the sealed exchange; undefined for a plaintext request. */
      sealed?: Sealed;
    }
  }
}

const framework: Framework = {
  outerUrl: (req) => (req as Request).originalUrl,
  mountPath: (req) => (req as Request).baseUrl,
  setUrl(message, path) {
    const req = message as Request;
    const mounted = path.slice(req.baseUrl.length);
    req.originalUrl = path;
    req.url = mounted.startsWith('/') ? mounted : `/${mounted}`;
    // Express 4 parsed the outer query before any middleware ran.
    if (Object.hasOwn(req, 'query')) req.query = parseQuery(req);
  },
  allowsPlaintext: (req) => allowsPlaintext(req as Request),
  expectProperties,
};

function parseQuery(req: Request): Request['query'] {
  const parse = req.app.get('query parser fn') as ((query: string) => Request['query']) | undefined;
  const mark = req.url.indexOf('?');
  return parse?.(mark < 0 ? '' : req.url.slice(mark + 1)) ?? {};
}

/**
 * Express middleware that opens sealed requests and seals their responses. Mount it at the root, after `cors()` and
 * before every body parser.
 *
 * @example
 * app.use(sealwire({ keys, origins: ['https://api.example.com'] }));
 * app.use(express.json());
 * app.post('/orders', (req, res) => res.json(createOrder(req.body)));
 *
 * @throws SealwireError `invalid-option`, `keys-required`, `origins-required`
 */
export function sealwire(options?: SealwireOptions): RequestHandler {
  const handle = createHandler(options, framework);
  return function sealwireMiddleware(req, res, next) {
    handle(req, res, next);
  };
}

/** Route middleware for the policy `allow`: refuses plaintext requests with `sealed-required`. */
export function requireSealed(): RequestHandler {
  return function requireSealedMiddleware(req, res, next) {
    requireSealedRequest(req, res, next);
  };
}

/**
 * Exempts from the policy `require`: on a route, that route; mounted before sealwire(), the path it is mounted on.
 * Sealed requests are opened there as everywhere.
 *
 * @example
 * app.get('/health', allowPlaintext(), (req, res) => res.send('ok'));
 */
export function allowPlaintext(): RequestHandler {
  return markRoute(function allowPlaintextMiddleware(req: IncomingMessage, _res: unknown, next: () => void) {
    allowPlaintextRequest(req);
    next();
  });
}
