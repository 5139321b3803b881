import type { IncomingMessage } from 'node:http';
import { allowsPlaintextRequest, type Framework } from '@sealwire/node';
import type { Context } from 'koa';

/** Koa's request object is not to be found from Node's. */
const contexts = new WeakMap<IncomingMessage, Context>();

/** Remembers which context a request belongs to. */
export function keepContext(ctx: Context): void {
  contexts.set(ctx.req, ctx as Context);
}

export const framework: Framework = {
  outerUrl: (req) => contextOf(req).originalUrl,
  mountPath: (req) => mountedOn(contextOf(req).originalUrl, req.url as string),
  setUrl(req, path) {
    const ctx = contextOf(req);
    const mounted = path.slice(framework.mountPath(req).length);
    req.url = mounted.startsWith('/') ? mounted : `/${mounted}`;
    ctx.originalUrl = path;
    ctx.request.originalUrl = path;
  },
  allowsPlaintext: allowsPlaintextRequest,
};

function contextOf(req: IncomingMessage): Context {
  return contexts.get(req) as Context;
}

/** What koa-mount took away of the path. */
function mountedOn(originalUrl: string, url: string): string {
  const [original, rest] = [originalUrl, url].map((each) => each.split('?', 1)[0]) as [string, string];
  if (original.endsWith(rest)) return original.slice(0, original.length - rest.length);
  return rest === '/' ? original : '';
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
