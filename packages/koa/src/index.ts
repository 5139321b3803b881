import type { IncomingMessage } from 'node:http';
import {
  allowPlaintextRequest,
  breakOff,
  createHandler,
  requireSealedRequest,
  type Sealed,
  type SealwireHandler,
  type SealwireOptions,
} from '@sealwire/node';
import type { Context, Middleware, Next } from 'koa';
import { forgetOuter, framework, keepContext } from './framework.ts';

export { isSealwireError, SealwireError, StaticKeys } from '@sealwire/core';
export type { Sealed, SealwireOptions } from '@sealwire/node';

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
export function sealwire(options?: SealwireOptions): Middleware {
  const handle = createHandler(options, framework);
  return function sealwireMiddleware(ctx, next) {
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
function handleFirst(handle: SealwireHandler, ctx: Context, next: Next): Promise<void> {
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
