import type { IncomingMessage } from 'node:http';
import { allowsPlaintextRequest, type Framework } from '@sealwire/node';
import type { Context } from 'koa';

/** Koa's request object is not to be found from Node's. */
const contexts = new WeakMap<IncomingMessage, Context>();

/** Remembers which context a request belongs to. */
export function keepContext(ctx: Context): void {
  contexts.set(ctx.req, ctx);
}

export const framework: Framework = {
  outerUrl: (req) => contextOf(req).originalUrl,
  // koa-mount, and whatever else changed the path, will put its own copy of the outer one back: all of it counts.
  mountPath(req) {
    const path = pathOf(contextOf(req).originalUrl);
    return pathOf(req.url as string) === path ? '' : path;
  },
  setUrl(req, path) {
    const ctx = contextOf(req);
    const mountPath = framework.mountPath(req);
    req.url = mountPath === '' ? path : pathOf(req.url as string) + path.slice(mountPath.length);
    ctx.originalUrl = path;
    ctx.request.originalUrl = path;
  },
  allowsPlaintext: allowsPlaintextRequest,
};

function contextOf(req: IncomingMessage): Context {
  return contexts.get(req) as Context;
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] as string;
}

/** What Koa keeps of a request once earlier middleware asked for it: made of what was outside. */
interface Memory {
  memoizedURL?: object;
  _accept?: object;
}

/** Lets Koa make that anew. */
export function forgetOuter(ctx: Context): void {
  const memory = ctx.request as Memory;
  delete memory.memoizedURL;
  delete memory._accept;
}
