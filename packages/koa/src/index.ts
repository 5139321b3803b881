import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  allowPlaintextRequest,
  bindSessionAgain,
  bindSessionRequest,
  breakOff,
  createHandler,
  type Next as Go,
  type Operations,
  requireSealedRequest,
  type Sealed,
  type SealwireOptions,
  type SessionBinding,
} from '@sealwire/node';
import type { Context, Middleware, Next } from 'koa';
import { forgetOuter, framework, keepContext } from './framework.ts';

export { isSealwireError, SealwireError, StaticKeys } from '@sealwire/core';
export type { Sealed, SealwireOptions, SessionBinding } from '@sealwire/node';

/** Koa middleware, and what operators do with it. */
export type SealwireMiddleware = Middleware & Operations;

declare module 'koa' {
  interface ExtendableContext {
    /** What is known of the sealed exchange; undefined for a plaintext request. */
    sealed?: Sealed;
  }
}

/**
 * Koa middleware that opens sealed requests and seals their responses. Mount it at the root, after `cors()` and
 * before every body parser.
 *
 * @example
 * app.use(sealwire({ keys, origins: ['https://api.example.com'] }));
 * app.use(bodyParser());
 * app.use((ctx) => { ctx.body = createOrder(ctx.request.body); });
 *
 * @throws SealwireError `invalid-option`, `keys-required`, `origins-required`
 */
export function sealwire(options?: SealwireOptions): SealwireMiddleware {
  const handle = createHandler(options, framework);
  const { revokeClient } = handle;
  function sealwireMiddleware(ctx: Context, next: Next): Promise<void> {
    keepContext(ctx);
    return handleFirst(handle, ctx, () => {
      const { sealed } = ctx.req as IncomingMessage & { sealed?: Sealed };
      if (sealed !== undefined && ctx.sealed === undefined) {
        ctx.sealed = sealed;
        forgetOuter(ctx);
        endAfterErrors(ctx);
      }
      return next();
    });
  }
  return Object.assign(sealwireMiddleware, { revokeClient });
}

/**
 * Middleware behind a session's: binds each session to the client key that it is used with first, again after each
 * login, and refuses its cookie from everybody else (`not-bound`), in plaintext too.
 *
 * @example
 * app.use(session(app));
 * app.use(
 *   bindSession({
 *     get: (ctx) => ctx.session.sealedClient,
 *     set: (ctx, thumbprint) => { ctx.session.sealedClient = thumbprint; },
 *   }),
 * );
 */
export function bindSession(binding: SessionBinding<Context>): Middleware {
  return function bindSessionMiddleware(ctx, next) {
    return handleFirst(
      (req, res, go) => bindSessionRequest(binding, ctx, req, res, go),
      ctx,
      async () => {
        try {
          await next();
        } finally {
          bindSessionAgain(binding, ctx, ctx.req);
        }
      },
    );
  };
}

/** Middleware for the policy `allow`: refuses plaintext requests with `sealed-required`. */
export function requireSealed(): Middleware {
  return function requireSealedMiddleware(ctx, next) {
    return handleFirst(requireSealedRequest, ctx, next);
  };
}

/**
 * Exempts from the policy `require` what is mounted below it; mount it on a path before sealwire(). Sealed requests are
 * opened there as everywhere.
 *
 * @example
 * app.use(mount('/health', allowPlaintext()));
 */
export function allowPlaintext(): Middleware {
  return function allowPlaintextMiddleware(ctx, next) {
    allowPlaintextRequest(ctx.req);
    return next();
  };
}

/**
 * Goes on with `next` once the handler says so, and in the same tick: a body parser that listened any later would miss
 * what happens to the request meanwhile. If the handler answers itself, or nobody is left to be answered, the response
 * closes, and Koa has nothing to add to it.
 */
function handleFirst(
  handle: (req: IncomingMessage, res: ServerResponse, go: Go) => void,
  ctx: Context,
  next: Next,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { req, res } = ctx;
    let over = false;
    const close = () => {
      over = true;
      ctx.respond = false;
      resolve();
    };
    // A response that waits for others of its connection never closes; when the connection does, its request does.
    const closeUnsent = () => {
      if (req.socket?.destroyed !== false) close();
    };
    res.once('close', close);
    req.once('close', closeUnsent);
    handle(req, res, (error) => {
      // What was upstream is done with this request.
      if (over) return;
      res.off('close', close);
      req.off('close', closeUnsent);
      if (error === undefined) resolve(next());
      else reject(error);
    });
  });
}

/**
 * An error that comes after the head Koa only reports. Nobody would end the response then (Koa 2 leaves it open when the
 * stream of a body fails), so it is broken off.
 */
function endAfterErrors(ctx: Context): void {
  const { onerror, res } = ctx;
  ctx.onerror = (error) => {
    onerror.call(ctx, error);
    if (error && ctx.respond !== false && res.headersSent && !res.writableEnded) breakOff(res);
  };
}
