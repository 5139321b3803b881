import { allowsPlaintextRequest } from '@sealwire/node';
import type { Request } from 'express';

/** What of Express's router is looked at; the same in versions 4 and 5. */
interface Layer {
  /** Newer versions of Express 5's router return what matched, the others keep it in {@link Layer.path}. */
  match(path: string): boolean | { path: string };
  path?: string;
  name: string;
  handle: { stack?: Layer[] };
  route?: { stack: { handle: unknown; method?: string }[]; methods?: Record<string, boolean> };
}

const marked = new WeakSet<object>();

/** Marks a middleware function as one that allows plaintext on its route. */
export function markRoute<T extends object>(middleware: T): T {
  marked.add(middleware);
  return middleware;
}

/**
 * True if the request was marked, or if the first route that Express would run for it is. What lies behind a mounted
 * app cannot be seen from here and counts as not marked.
 */
export function allowsPlaintext(req: Request): boolean {
  if (allowsPlaintextRequest(req)) return true;
  const app = req.app as unknown as { _router?: { stack: Layer[] }; router?: { stack: Layer[] } };
  // Express 4 throws on reading `router`, Express 5 has no `_router`.
  const stack = app._router?.stack ?? app.router?.stack ?? [];
  try {
    return firstRoute(stack, pathInApp(req), req.method) === 'marked';
  } catch {
    // A parameter that cannot be decoded: no route runs for it.
    return false;
  }
}

/** The path that the routes of its app are matched against, also where sealwire() is mounted on a path of the app. */
function pathInApp({ app, baseUrl, path }: Request): string {
  const depthOfApp = app.path().split('/').length;
  const mounted = baseUrl.split('/').slice(depthOfApp);
  return ['', ...mounted].join('/') + path;
}

function firstRoute(
  stack: readonly Layer[],
  path: string,
  method: string,
): 'marked' | 'unmarked' | undefined {
  for (const layer of stack) {
    if (layer.route !== undefined && !handles(layer.route, method)) continue;
    const match = layer.match(path);
    if (match === false) continue;
    if (layer.route !== undefined) {
      const own = layer.route.stack.filter((each) => runsFor(each.method, method));
      return own.some(({ handle }) => marked.has(handle as object)) ? 'marked' : 'unmarked';
    }
    if (layer.name === 'mounted_app') return 'unmarked';
    if (layer.handle.stack === undefined) continue;
    const matched = (match === true ? layer.path : match.path) ?? '';
    const found = firstRoute(layer.handle.stack, path.slice(matched.length) || '/', method);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A handler of `all` runs for every method, one of GET also for HEAD. */
function runsFor(own: string | undefined, method: string): boolean {
  const name = method.toLowerCase();
  return own === undefined || own === name || (name === 'head' && own === 'get');
}

function handles({ methods = {} }: NonNullable<Layer['route']>, method: string): boolean {
  const name = method.toLowerCase();
  return methods._all === true || methods[name] === true || (name === 'head' && methods.get === true);
}
