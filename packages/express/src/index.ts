import type { IncomingMessage } from 'node:http';
import {
  allowPlaintextRequest,
  bindSessionAgain,
  bindSessionRequest,
  createHandler,
  type Framework,
  type Operations,
  requireSealedRequest,
  type Sealed,
  type SealwireOptions,
  type SessionBinding,
} from '@sealwire/node';
import type { Request, RequestHandler } from 'express';
import { expectProperties } from './dictionary-mode.ts';
import { allowsPlaintext, markRoute } from './plaintext-routes.ts';

export { isSealwireError, SealwireError, StaticKeys } from '@sealwire/core';
export type { Sealed, SealwireOptions, SessionBinding } from '@sealwire/node';

/** Express middleware, and what operators do with it. */
export type SealwireMiddleware = RequestHandler & Operations;

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
export function sealwire(options?: SealwireOptions): SealwireMiddleware {
  const handle = createHandler(options, framework);
  const { revokeClient } = handle;
  const sealwireMiddleware: RequestHandler = (req, res, next) => {
    handle(req, res, next);
  };
  return Object.assign(sealwireMiddleware, { revokeClient });
}

/**
 * Middleware behind a session's: binds each session to the client key that it is used with first, again after each
 * login, and refuses its cookie from everybody else (`not-bound`), in plaintext too.
 *
 * @example
 * app.use(session({ secret, resave: false, saveUninitialized: false }));
 * app.use(
 *   bindSession({
 *     get: (req) => req.session.sealedClient,
 *     set: (req, thumbprint) => { req.session.sealedClient = thumbprint; },
 *   }),
 * );
 */
export function bindSession(binding: SessionBinding<Request>): RequestHandler {
  return function bindSessionMiddleware(req, res, next) {
    bindSessionRequest(binding, req, req, res, (error) => {
      const { end } = res;
      // The session's middleware saves when the response ends.
      res.end = ((...args: Parameters<typeof end>) => {
        bindSessionAgain(binding, req, req);
        return end.apply(res, args);
      }) as typeof end;
      next(error);
    });
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
