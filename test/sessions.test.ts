// One client object makes one session, whatever it does at once, and finds its way when the server lost it.
import { configurationPath, MemorySessionStore, StaticKeys } from '@sealwire/core';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Express, onExpress } from './support/cases.ts';
import { clientOf, connectionsGone, recordingFetch } from './support/clients.ts';
import { thrown } from './support/problems.ts';
import { type SealedAppOptions, type SealedServer, startSealed } from './support/servers.ts';
import { SlowStore } from './support/stores.ts';

let handled: string[] = [];

function routes(app: Application, express: Express): void {
  handled = [];
  app.use(express.json());
  app.all('/echo', (req, res) => {
    handled.push(req.method);
    res.json({ body: req.body ?? null, query: req.query, n: req.sealed?.n });
  });
}

/** The same server again on the same port, knowing nothing of its sessions. */
async function restart(
  express: Express,
  server: SealedServer,
  options: SealedAppOptions = {},
): Promise<SealedServer> {
  await server.close();
  await connectionsGone(server.origin);
  const seen = handled;
  const restarted = await startSealed(express, routes, { ...options, port: server.port });
  handled = seen;
  return restarted;
}

/** Keys with the identity of one text and the KEM keys of another. */
function sameIdentity(identityOf: string, kemOf: string): Promise<StaticKeys> {
  return StaticKeys.import(
    JSON.stringify({ ...JSON.parse(kemOf), identity: JSON.parse(identityOf).identity }),
  );
}

for (const [name, createStore] of [
  ['', () => new MemorySessionStore()],
  [' with a store that takes its time', () => new SlowStore(new MemorySessionStore())],
] as const) {
  onExpress(`200 calls at once share one handshake and get each its own answer${name}`, async (express) => {
    const server = await startSealed(express, routes, { store: createStore() });
    const network = recordingFetch();
    const sealedFetch = clientOf(server, { fetch: network });
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const post = {
          method: 'POST',
          body: JSON.stringify({ i }),
          headers: { 'content-type': 'application/json' },
        };
        const response = await sealedFetch(`/echo?i=${i}`, i % 2 === 0 ? post : {});
        return response.json();
      }),
    );
    answers.forEach(({ body, query }, i) => {
      assert.equal(query, { i: String(i) });
      if (i % 2 === 0) assert.equal(body, { i });
    });
    assert.is(network.handshakes, 1);
    assert.is(network.seen.filter(({ path }) => path === configurationPath).length, 1);
    assert.equal(
      answers.map(({ n }) => n).sort((a, b) => a - b),
      Array.from({ length: 200 }, (_, i) => i),
    );
    assert.is(handled.length, 200);
  });
}

onExpress('ready() does the handshake ahead, once, and the first call none', async (express) => {
  const server = await startSealed(express, routes);
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  await Promise.all([sealedFetch.ready(), sealedFetch.ready()]);
  await sealedFetch.ready();
  assert.is(network.handshakes, 1);
  await sealedFetch('/echo');
  assert.is(network.seen.length, 3);
});

onExpress('a server that was restarted between two GETs is not noticed', async (express) => {
  const server = await startSealed(express, routes);
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  assert.is((await (await sealedFetch('/echo?a=1')).json()).query.a, '1');
  await restart(express, server);
  assert.is((await (await sealedFetch('/echo?a=2')).json()).query.a, '2');
  assert.is(network.handshakes, 2);
  assert.equal(handled, ['GET', 'GET']);
  const head = await sealedFetch('/echo', { method: 'HEAD' });
  assert.is(head.status, 200);
  assert.is(network.handshakes, 2);
});

onExpress('a POST to a restarted server may have run before: its caller decides', async (express) => {
  const server = await startSealed(express, routes);
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  const post = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } };
  assert.is((await sealedFetch('/echo', post)).status, 200);
  await restart(express, server);
  await thrown(sealedFetch('/echo', post), 'outcome-unknown');
  assert.equal(handled, ['POST']);
  // The next call has a new session.
  assert.is((await sealedFetch('/echo', post)).status, 200);
  assert.equal(handled, ['POST', 'POST']);
  assert.is(network.handshakes, 2);
});

onExpress('200 calls at once to a restarted server share one new handshake', async (express) => {
  const server = await startSealed(express, routes);
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  await sealedFetch('/echo');
  await restart(express, server);
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => (await sealedFetch(`/echo?i=${i}`)).json()),
  );
  assert.equal(
    answers.map(({ query }) => query.i),
    Array.from({ length: 200 }, (_, i) => String(i)),
  );
  assert.is(network.handshakes, 2);
});

for (const embedded of [true, false]) {
  const how = embedded ? 'in the problem itself' : 'past every cache';
  onExpress(`new KEM keys of the same identity are found ${how}`, async (express) => {
    const [old, fresh] = await Promise.all([
      StaticKeys.generateExported(['X25519']),
      StaticKeys.generateExported(['X25519']),
    ]);
    const server = await startSealed(express, routes, { keys: await StaticKeys.import(old) });
    const network = recordingFetch({
      async response(response) {
        if (embedded || response.status !== 409) return undefined;
        const { configuration: _left, ...problem } = (await response.json()) as Record<string, unknown>;
        return new Response(JSON.stringify(problem), { status: 409, headers: response.headers });
      },
    });
    const sealedFetch = clientOf(server, { fetch: network });
    await sealedFetch('/echo');
    const restarted = await restart(express, server, { keys: await sameIdentity(old, fresh) });
    assert.is(restarted.pin, server.pin);
    assert.is((await (await sealedFetch('/echo?a=2')).json()).query.a, '2');
    const asked = network.seen.map(({ path, status, init }) => `${path} ${status} ${init.cache}`);
    assert.equal(asked.slice(3), [
      '/echo 409 no-store',
      '/.well-known/sealwire/handshake 409 no-store',
      ...(embedded ? [] : ['/.well-known/sealwire 200 reload']),
      '/.well-known/sealwire/handshake 200 no-store',
      '/echo 200 no-store',
    ]);
  });
}

onExpress('keys of another identity are refused, whatever else they are', async (express) => {
  const server = await startSealed(express, routes);
  const sealedFetch = clientOf(server);
  await sealedFetch('/echo');
  const restarted = await restart(express, server, { keys: await StaticKeys.generate(['X25519']) });
  const error = await thrown(sealedFetch('/echo'), 'identity-mismatch');
  assert.match(error.message, server.pin);
  assert.match(error.message, restarted.pin);
  assert.equal(handled, ['GET']);
  // Whoever calls again hears the cause, not what it led to.
  await thrown(sealedFetch('/echo'), 'identity-mismatch');
  const last = await thrown(sealedFetch('/echo'), 'too-many-handshakes');
  assert.match(last.message, 'identity-mismatch');
});

onExpress('who answers "unknown-session" for ever is not followed for ever', async (express) => {
  const server = await startSealed(express, routes);
  const problem = { type: 'urn:sealwire:problem:unknown-session', code: 'unknown-session', status: 409 };
  const network = recordingFetch({
    request: (url) =>
      url.includes('/.well-known/')
        ? undefined
        : new Response(JSON.stringify(problem), {
            status: 409,
            headers: { 'content-type': 'application/problem+json' },
          }),
  });
  const sealedFetch = clientOf(server, { fetch: network });
  await thrown(sealedFetch('/echo'), 'unknown-session');
  assert.is(network.exchanges.length, 3);
  // At most three handshakes a minute, on whoever's word.
  await thrown(sealedFetch('/echo'), 'too-many-handshakes');
  assert.is(network.handshakes, 3);
});

test.run();
