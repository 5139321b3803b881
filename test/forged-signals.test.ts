// Anyone on the path can say that a key is not known. That leads no client to another key than the server's, nor in circles.
import { type ConfigurationSubject, utf8 } from '@sealwire/core';
import { KeyRing, memoryStorage } from '@sealwire/keys';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { movableClock } from './support/configurations.ts';
import { failure } from './support/problems.ts';
import { secretStorage } from './support/recording.ts';
import { afterwards } from './support/resources.ts';
import { startSealedNode } from './support/servers.ts';

const configurationPath = '/.well-known/sealwire';

async function newRing(): Promise<KeyRing> {
  const ring = await KeyRing.create(secretStorage(memoryStorage()), { suites: ['X25519'] });
  afterwards(() => ring.close());
  return ring;
}

const activeKey = (ring: KeyRing) =>
  ring.entries.find(({ purpose, status }) => purpose === 'kem' && status === 'active')?.id as string;

/** A server whose key was stolen and replaced, and what somebody who has kept or signed something can serve. */
async function startAfterTheft() {
  const ring = await newRing();
  const server = await startSealedNode((_req, res) => res.end('hello'), { keys: ring });
  const subject: ConfigurationSubject = { aud: [server.origin], fields: [] };
  const { body: older } = await ring.publish(subject);
  const stolen = activeKey(ring);
  await ring.emergency(stolen);
  const stranger = await newRing();
  const { body: foreign } = await stranger.publish(subject);
  const { body: elsewhere } = await ring.publish({ ...subject, aud: ['https://staging.example.com'] });
  const { body: newest } = await ring.publish(subject);
  const copies = { older, foreign, elsewhere, newest, nothing: undefined };
  return { ring, server, pin: ring.pins[0] as string, copies };
}

type Copy = 'older' | 'foreign' | 'elsewhere' | 'newest' | 'nothing';

/** What the path answers to a handshake, and to a question for the configuration. */
function unknownKey(body: string | undefined): Response {
  const configuration = body === undefined ? {} : { configuration: JSON.parse(body) };
  const problem = {
    type: 'urn:sealwire:problem:unknown-key',
    status: 409,
    code: 'unknown-key',
    ...configuration,
  };
  return new Response(utf8(JSON.stringify(problem)), {
    status: 409,
    headers: { 'content-type': 'application/problem+json' },
  });
}

function configuration(body: string | undefined): Response {
  if (body === undefined) return new Response('', { status: 502 });
  return new Response(body, { headers: { 'content-type': 'application/jose+json' } });
}

for (const embedded of ['older', 'foreign', 'elsewhere', 'newest', 'nothing'] as Copy[]) {
  for (const served of ['older', 'foreign', 'nothing'] as Copy[]) {
    it(`unknown-key with ${embedded} inside and ${served} to be fetched: no wrong key, and no circle`, async () => {
      const { ring, server, pin, copies } = await startAfterTheft();
      const clock = movableClock();
      let forging = false;
      const kids: string[] = [];
      const network = recordingFetch({
        request(url, init) {
          const { pathname } = new URL(url);
          if (pathname === `${configurationPath}/handshake`) {
            kids.push(JSON.parse(new TextDecoder().decode(init.body as Uint8Array)).kid);
            return forging ? unknownKey(copies[embedded]) : undefined;
          }
          return forging && pathname === configurationPath ? configuration(copies[served]) : undefined;
        },
      });
      const sealedFetch = clientOf({ ...server, pin }, { fetch: network, clock });
      assert.is(await (await sealedFetch('/')).text(), 'hello');
      forging = true;
      // The session ends by rest, so that every call wants a new one.
      clock.pass(2 * 3_600_000);
      const before = network.seen.length;
      let most = 0;
      for (let call = 0; call < 8; call++) {
        const began = network.seen.length;
        await failure(sealedFetch('/'));
        most = Math.max(most, network.seen.length - began);
      }
      const asked = network.seen.slice(before);
      // A call asks for a configuration, does a handshake, and looks for a newer configuration; then it gives up.
      assert.ok(most <= 4, `${most} requests for one call`);
      assert.ok(asked.filter(({ path }) => path.endsWith('/handshake')).length <= 3);
      assert.ok(asked.filter(({ init }) => init.cache === 'reload').length <= 1);
      assert.is(network.exchanges.length, 1);
      // A minute later it is the server again that answers.
      forging = false;
      clock.pass(60_001);
      assert.is(await (await sealedFetch('/')).text(), 'hello');
      assert.equal([...new Set(kids)], [activeKey(ring)]);
    });
  }
}

it('a client that comes for the first time takes nothing that the pinned identity did not sign for this origin', async () => {
  const { server, pin, copies } = await startAfterTheft();
  for (const served of ['foreign', 'elsewhere', 'nothing'] as Copy[]) {
    let forging = true;
    const network = recordingFetch({
      request: (url) =>
        forging && url.endsWith(configurationPath) ? configuration(copies[served]) : undefined,
    });
    const sealedFetch = clientOf({ ...server, pin }, { fetch: network, clock: movableClock() });
    for (let call = 0; call < 5; call++) await failure(sealedFetch('/'));
    assert.is(network.handshakes, 0, served);
    assert.ok(network.seen.length <= 6, `${network.seen.length} requests`);
    forging = false;
    assert.is(await (await sealedFetch('/')).text(), 'hello');
  }
  // What the identity itself signed a moment ago is taken, but the stolen key opens nothing: the server says so.
  const network = recordingFetch({
    request: (url) => (url.endsWith(configurationPath) ? configuration(copies.older) : undefined),
  });
  assert.is(await (await clientOf({ ...server, pin }, { fetch: network })('/')).text(), 'hello');
  assert.is(network.handshakes, 2);
});

test.run();
