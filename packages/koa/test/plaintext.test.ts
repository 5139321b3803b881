// Which plaintext requests a Koa app takes: none, all, those of some routes, those below some paths.
import { allowPlaintext, requireSealed } from '@sealwire/koa';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clientOf } from '../../../test/support/clients.ts';
import { type Koa, mount, onKoa, type SealedKoa, startKoa } from '../../../test/support/koa.ts';
import { request } from '../../../test/support/supertest.ts';

function show(app: Koa): void {
  app.use((ctx) => {
    ctx.body = { path: ctx.path, sealed: ctx.sealed !== undefined };
  });
}

async function assertPasses({ origin }: SealedKoa, path: string): Promise<void> {
  const { status, headers, body } = await request(origin).get(path);
  assert.equal([status, body.sealed], [200, false], path);
  assert.match(headers['vary'] as string, 'Sealwire');
}

async function assertRefused({ origin }: SealedKoa, path: string): Promise<void> {
  const { status, headers } = await request(origin).get(path);
  assert.equal([status, headers['sealwire']], [400, 'sealed-required'], path);
}

async function assertSealed(server: SealedKoa, path: string): Promise<void> {
  const { sealed } = (await (await clientOf(server)(path)).json()) as { sealed: boolean };
  assert.ok(sealed, path);
}

onKoa('the default refuses all of it', async (Koa) => {
  const server = await startKoa(Koa, show);
  await assertSealed(server, '/');
  for (const path of ['/', '/any', '/.well-known/other']) await assertRefused(server, path);
});

onKoa('the policy `allow` takes it, but where requireSealed() stands', async (Koa) => {
  const server = await startKoa(
    Koa,
    (app) => {
      app.use(mount('/closed', requireSealed()));
      show(app);
    },
    { policy: 'allow' },
  );
  for (const path of ['/', '/open', '/closedx']) await assertPasses(server, path);
  for (const path of ['/closed', '/closed/', '/closed/deep']) await assertRefused(server, path);
  for (const path of ['/', '/closed/deep']) await assertSealed(server, path);
});

onKoa('allowPlaintext() exempts what is below the path it is mounted on', async (Koa) => {
  const server = await startKoa(Koa, show, {
    before(app) {
      app.use(mount('/health', allowPlaintext()));
    },
  });
  for (const path of ['/health', '/health/', '/health/deep?q=1']) await assertPasses(server, path);
  for (const path of ['/', '/healthy', '/deep/health', '/?/health']) await assertRefused(server, path);
  for (const path of ['/health', '/other']) await assertSealed(server, path);
});

test.run();
