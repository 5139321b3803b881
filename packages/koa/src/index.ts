import type { IncomingMessage, ServerResponse } from 'node:http';
import { Stream } from 'node:stream';
import {
  allowPlaintextRequest,
  breakOff,
  createHandler,
  requireSealedRequest,
  type Sealed,
  type SealwireHandler,
  type SealwireOptions,
} from '@sealwire/node';
import type { Context, Middleware } from 'koa';
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
  return async function sealwireMiddleware(ctx, next) {
    keepContext(ctx);
    if (!(await passes(handle, ctx))) return;
    const { sealed } = ctx.req as IncomingMessage & { sealed?: Sealed };
    if (sealed !== undefined) {
      ctx.sealed = sealed;
      forgetOuter(ctx);
    }
    await next();
    endWithBody(ctx);
  };
}

/** Middleware for the policy `allow`: refuses plaintext requests with `sealed-required`. */
export function requireSealed(): Middleware {
  return async function requireSealedMiddleware(ctx, next) {
    if (await passes(requireSealedRequest, ctx)) await next();
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

/** False if the handler answered itself; then the response is over, and Koa has nothing to add to it. */
async function passes(handle: SealwireHandler, ctx: Context): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const { req, res } = ctx;
    const answered = () => {
      ctx.respond = false;
      resolve(false);
    };
    res.once('close', answered);
    handle(req, res, (error) => {
      res.off('close', answered);
      if (error === undefined) resolve(true);
      else reject(error);
    });
  });
}

/** Koa 2 leaves a response open for ever whose body fails after the head was sent. */
function endWithBody({ body, res }: Context): void {
  if (!(body instanceof Stream)) return;
  const destroy = () => destroyUnfinished(res);
  body.once('error', destroy);
  res.once('close', () => body.off('error', destroy));
}

function destroyUnfinished(res: ServerResponse): void {
  if (res.headersSent && !res.writableEnded) breakOff(res);
}
