import { createRequire } from 'node:module';
import { sealwire } from '@sealwire/koa';
import Koa3 from 'koa';
import { it } from './cases.ts';
import { recorded } from './recording.ts';
import { keys, listen, type Running, type SealedAppOptions } from './servers.ts';
import { type Twins, twinsOf } from './twins.ts';

export type Koa = Koa3;
export type KoaClass = typeof Koa3;
export { default as cors } from '@koa/cors';
// For the tests of packages that do not depend on them.
export { default as bodyParser } from 'koa-bodyparser';
export { default as compress } from 'koa-compress';
export { default as mount } from 'koa-mount';
export { default as session } from 'koa-session';

/** Both versions of Koa that Sealwire is made for. */
export const koas = [
  { name: 'Koa 2', Koa: createRequire(import.meta.url)('koa2') as KoaClass },
  { name: 'Koa 3', Koa: Koa3 },
] as const;

/** Registers a test twice, for Koa 2 and for Koa 3. */
export function onKoa(name: string, run: (Koa: KoaClass) => unknown): void {
  for (const framework of koas) it(`${name} (${framework.name})`, () => run(framework.Koa));
}

export interface SealedKoaOptions extends Omit<SealedAppOptions, 'before'> {
  /** What is mounted before sealwire(). */
  before?: (app: Koa) => void;
}

export interface SealedKoa extends Running {
  readonly app: Koa;
  readonly pin: string;
}

/** A Koa app that does not print the errors of its handlers. */
export function quietKoa(Koa: KoaClass): Koa {
  const app = new Koa();
  app.silent = true;
  return app;
}

/** Starts a Koa app with sealwire() mounted before what `routes` mounts. */
export async function startKoa(
  Koa: KoaClass,
  routes: (app: Koa) => void,
  { before, origins, port, ...options }: SealedKoaOptions = {},
): Promise<SealedKoa> {
  const running = await listen(undefined, port);
  const app = quietKoa(Koa);
  const serverKeys = options.keys ?? keys;
  const decided = origins === 'host' ? {} : { origins: origins ?? [running.origin] };
  before?.(app);
  app.use(sealwire({ ...recorded(options), keys: serverKeys, ...decided }));
  routes(app);
  running.server.on('request', app.callback());
  return { ...running, app, pin: serverKeys.pins[0] as string };
}

/** The same app with and without Sealwire. */
export async function startKoaTwins(
  Koa: KoaClass,
  routes: (app: Koa) => void,
  options: SealedKoaOptions = {},
): Promise<Twins> {
  const app = quietKoa(Koa);
  options.before?.(app);
  routes(app);
  return twinsOf(await listen(app.callback()), await startKoa(Koa, routes, options));
}
