// A server in development makes new keys each time it starts: its clients find them, and nobody can use that to have
// them do handshakes without end.
import { StaticKeys } from '@sealwire/core';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, onExpress } from './support/cases.ts';
import { clientOf, connectionsGone, recordingFetch } from './support/clients.ts';
import { movableClock, newIdentity, publishing } from './support/configurations.ts';
import { failure, thrown } from './support/problems.ts';
import { startSealed, startSealedNode } from './support/servers.ts';

const tls = { trust: 'tls' } as const;

function routes(app: Application): void {
  app.all('/', (_req, res) => {
    res.send('hello');
  });
}

onExpress('two restarts with new keys within a minute are two handshakes more', async (express) => {
  const start = async (port?: number) =>
    startSealed(express, routes, { keys: await StaticKeys.generate(['X25519']), ...(port && { port }) });
  let server = await start();
  const clock = movableClock();
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { ...tls, fetch: network, clock });
  const restart = async () => {
    await server.close();
    await connectionsGone(server.origin);
    server = await start(server.port);
  };
  assert.is(await (await sealedFetch('/')).text(), 'hello');
  for (let restarts = 0; restarts < 2; restarts++) {
    await restart();
    assert.is(await (await sealedFetch('/')).text(), 'hello');
  }
  // Each found its key unknown first.
  assert.is(network.handshakes, 5);
  // That is as often as in any other minute.
  await restart();
  await thrown(sealedFetch('/'), 'too-many-handshakes');
  clock.pass(60_001);
  assert.is(await (await sealedFetch('/')).text(), 'hello');
});

it('who makes up keys and never answers a handshake gets four of them a minute', async () => {
  const server = await startSealedNode((_req, res) => {
    res.end('hello');
  });
  const identity = await newIdentity();
  let seq = Date.now() + 60_000;
  const clock = movableClock();
  let forging = false;
  const network = recordingFetch({
    async request(url) {
      if (!forging || !url.endsWith('/handshake')) return undefined;
      const made = publishing(await StaticKeys.generate(['X25519']), [identity], () => ({ seq: ++seq }));
      const { body } = await made.publish({ aud: [server.origin], fields: [] }, Date.now());
      const problem = { type: 'urn:sealwire:problem:unknown-key', code: 'unknown-key', status: 409 };
      return new Response(JSON.stringify({ ...problem, configuration: JSON.parse(body) }), {
        status: 409,
        headers: { 'content-type': 'application/problem+json' },
      });
    },
  });
  const sealedFetch = clientOf(server, { ...tls, fetch: network, clock });
  assert.is((await sealedFetch('/')).status, 200);
  forging = true;
  // The session ends by rest, so that every call wants a new one.
  clock.pass(2 * 3_600_000);
  const before = network.handshakes;
  for (let call = 0; call < 10; call++) await failure(sealedFetch('/'));
  assert.is(network.handshakes - before, 4);
  await thrown(sealedFetch('/'), 'too-many-handshakes');
  clock.pass(60_001);
  for (let call = 0; call < 10; call++) await failure(sealedFetch('/'));
  assert.is(network.handshakes - before, 8);
});

it('who makes up configurations for the real keys gets three sessions a minute, a hint before each', async () => {
  const keys = await StaticKeys.generate(['X25519']);
  const server = await startSealedNode(
    (_req, res) => {
      res.end('hello');
    },
    { keys },
  );
  const identity = await newIdentity();
  let seq = Date.now() + 60_000;
  let handshakes = 0;
  const problem = (members: object) =>
    new Response(JSON.stringify({ status: 409, ...members }), {
      status: 409,
      headers: { 'content-type': 'application/problem+json' },
    });
  const network = recordingFetch({
    async request(url) {
      // No session is ever known, and every other handshake finds its key unknown.
      if (!url.includes('/.well-known/')) {
        return problem({ type: 'urn:sealwire:problem:unknown-session', code: 'unknown-session' });
      }
      if (!url.endsWith('/handshake') || handshakes++ % 2 === 1) return undefined;
      const made = publishing(keys, [identity], () => ({ seq: ++seq }));
      const { body } = await made.publish({ aud: [server.origin], fields: [] }, Date.now());
      const code = 'unknown-key';
      return problem({ type: `urn:sealwire:problem:${code}`, code, configuration: JSON.parse(body) });
    },
  });
  const sealedFetch = clientOf(server, { ...tls, fetch: network });
  for (let call = 0; call < 5; call++) await failure(sealedFetch('/'));
  assert.is(network.handshakes, 6);
  await thrown(sealedFetch('/'), 'too-many-handshakes');
});

test.run();
