import type { Application } from 'express';
import { test } from 'uvu';
import { type Express, frameworks, within } from './cases.ts';
import { needing } from './needs.ts';
import { type NginxBlocks, planNginx } from './nginx.ts';
import { type SealedAppOptions, type SealedServer, startSealed } from './servers.ts';

/** Registers a test for Express 4 and for Express 5 that is skipped by name where there is no nginx. */
export function behindNginx(name: string, run: (express: Express) => Promise<void>): void {
  for (const framework of frameworks) {
    needing('nginx', test)(`${name} (${framework.name})`, () => within(run(framework.express), name, 30_000));
  }
}

/** Starts an app that knows the origin of the nginx in front of it, and that nginx. */
export async function startBehindNginx(
  express: Express,
  routes: (app: Application, express: Express) => void,
  blocks: (upstream: string, folder: string) => NginxBlocks,
  options: SealedAppOptions = {},
): Promise<SealedServer> {
  const nginx = await planNginx();
  const server = await startSealed(express, routes, { origins: [nginx.origin], ...options });
  await nginx.start((folder) => blocks(server.origin, folder));
  return { ...server, origin: nginx.origin, port: nginx.port };
}
