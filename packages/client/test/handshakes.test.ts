// The session behind a client: made once, made again when it has to be, and right about the time.
import { createSealedFetch, type Progress } from '@sealwire/client';
import { configurationPath, isSealwireError, MemorySessionStore } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, sleep } from '../../../test/support/cases.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import { movableClock } from '../../../test/support/configurations.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { type SealedAppOptions, startSealedNode } from '../../../test/support/servers.ts';
import { storeWith } from '../../../test/support/stores.ts';
import { answerLimit } from '../src/deadline.ts';

let handled = 0;

function startServer(options: SealedAppOptions = {}) {
  handled = 0;
  return startSealedNode((req, res) => {
    handled++;
    req.pipe(res);
  }, options);
}

const post = { method: 'POST', body: 'a body' };

it('a handshake that failed is tried again by the next call', async () => {
  const server = await startServer();
  const failures: (() => Response)[] = [
    () => {
      throw new TypeError('fetch failed');
    },
    () => new Response('bad gateway', { status: 502 }),
    () => new Response('{}', { headers: { 'content-type': 'application/vnd.sealwire.handshake' } }),
  ];
  const network = recordingFetch({
    request: (url) => (url.endsWith('/handshake') ? failures.shift()?.() : undefined),
  });
  const sealedFetch = clientOf(server, { fetch: network });
  assert.instance(await failure(sealedFetch('/', post)), TypeError);
  await thrown(sealedFetch('/', post), 'handshake-failed');
  await thrown(sealedFetch('/', post), 'handshake-failed');
  assert.is(await (await sealedFetch('/', post)).text(), 'a body');
  assert.is(handled, 1);
});

/** Shortens the client's deadline until the returned function is called. */
function withoutPatience(): () => void {
  const real = globalThis.setTimeout;
  const impatient = (run: () => void, delay?: number, ...args: []) =>
    real(run, delay === answerLimit ? 500 : delay, ...args);
  globalThis.setTimeout = Object.assign(impatient, real) as typeof real;
  const restore = () => {
    globalThis.setTimeout = real;
  };
  afterwards(restore);
  return restore;
}

/** A body that begins and never ends. */
const endless = (type: string) =>
  new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([0x7b])) }), {
    headers: { 'content-type': type },
  });

for (const [path, code, type] of [
  [configurationPath, 'configuration-unavailable', 'application/jose+json'],
  [`${configurationPath}/handshake`, 'handshake-failed', 'application/vnd.sealwire.handshake'],
  [`${configurationPath}/handshake`, 'handshake-failed', 'application/problem+json'],
] as const) {
  for (const [what, hang] of [
    ['answer', () => new Promise<never>(() => {})],
    [`end its body of ${type}`, () => endless(type)],
  ] as const) {
    it(`a server that does not ${what} at ${path} holds up the calls until a deadline, not for ever`, async () => {
      const server = await startServer();
      let hanging = true;
      // It ignores the signal.
      const network = recordingFetch({
        request: (url) => (hanging && new URL(url).pathname === path ? hang() : undefined),
      });
      const sealedFetch = clientOf(server, { fetch: network });
      const restore = withoutPatience();
      const errors = await Promise.all([failure(sealedFetch('/', post)), failure(sealedFetch('/', post))]);
      restore();
      for (const error of errors) {
        assert.ok(isSealwireError(error, code), String(error));
        assert.is((error.cause as Error).name, 'TimeoutError');
      }
      const asked = network.seen.filter((seen) => seen.path === path).at(-1);
      assert.is(asked?.init.signal?.aborted, true);
      hanging = false;
      assert.is(await (await sealedFetch('/', post)).text(), 'a body');
    });
  }
}

it('what was answered in time is not aborted afterwards', async () => {
  const server = await startServer();
  const network = recordingFetch({
    request: (url) => (url.endsWith('/handshake') ? new Response('bad gateway', { status: 502 }) : undefined),
  });
  const sealedFetch = clientOf(server, { fetch: network });
  await thrown(sealedFetch('/', post), 'handshake-failed');
  const restore = withoutPatience();
  await thrown(sealedFetch('/', post), 'handshake-failed');
  await sleep(600);
  restore();
  for (const { init } of network.seen) assert.is(init.signal?.aborted, false);
});

it('all who wait for a handshake that fails hear of it', async () => {
  const server = await startServer();
  let broken = true;
  const network = recordingFetch({
    request(url) {
      if (broken && url.endsWith('/handshake')) throw new TypeError('fetch failed');
      return undefined;
    },
  });
  const sealedFetch = clientOf(server, { fetch: network });
  const errors = await Promise.all([
    failure(sealedFetch('/')),
    failure(sealedFetch('/')),
    failure(sealedFetch.ready()),
  ]);
  for (const error of errors) assert.instance(error, TypeError);
  assert.is(network.handshakes, 1);
  broken = false;
  assert.is((await sealedFetch('/')).status, 200);
});

it('an altered or swapped reply of the handshake makes no session', async () => {
  const server = await startServer();
  const replies: string[] = [];
  let alter: ((reply: string) => string) | undefined;
  const network = recordingFetch({
    async response(response, url) {
      if (!url.endsWith('/handshake')) return undefined;
      const reply = await response.text();
      replies.push(reply);
      return new Response(alter?.(reply) ?? reply, { status: response.status, headers: response.headers });
    },
  });
  assert.is((await clientOf(server, { fetch: network })('/')).status, 200);
  const flip = (text: string, member: string) => {
    const message = JSON.parse(text) as Record<string, string>;
    const value = message[member] as string;
    message[member] = (value.startsWith('A') ? 'B' : 'A') + value.slice(1);
    return JSON.stringify(message);
  };
  const [first = ''] = replies;
  for (alter of [
    () => first,
    (reply) => flip(reply, 'enc'),
    (reply) => flip(reply, 'sealed'),
    (reply) => `${reply.slice(0, -1)},"x":1}`,
  ] as ((reply: string) => string)[]) {
    await thrown(clientOf(server, { fetch: network })('/'), 'handshake-failed');
  }
  assert.is(handled, 1);
});

it('a server whose clock is far ahead is believed after one refusal', async () => {
  let shift = 0;
  const server = await startServer({ clock: () => Date.now() + shift });
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  assert.is(await (await sealedFetch('/', post)).text(), 'a body');
  shift = 200_000;
  assert.is(await (await sealedFetch('/', post)).text(), 'a body');
  // Refused as expired, corrected, sent again; nothing ran twice.
  assert.equal([handled, network.exchanges.length], [2, 3]);
  assert.is(await (await sealedFetch('/', post)).text(), 'a body');
  assert.equal([handled, network.exchanges.length, network.handshakes], [3, 4, 1]);
});

it('a stream cannot be sent again after such a correction, and that is said', async () => {
  let shift = 0;
  const server = await startServer({ clock: () => Date.now() + shift });
  const sealedFetch = clientOf(server);
  const stream = () => ({ method: 'POST', body: new Blob(['once']).stream(), duplex: 'half' as const });
  assert.is(await (await sealedFetch('/', stream())).text(), 'once');
  shift = 200_000;
  const error = await thrown(sealedFetch('/', stream()), 'body-not-resendable');
  assert.match(error.message, 'expired');
  assert.is(handled, 1);
  assert.is(await (await sealedFetch('/', stream())).text(), 'once');
});

it('a long body whose progress is told is sent again from its beginning', async () => {
  let shift = 0;
  const server = await startServer({ clock: () => Date.now() + shift });
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  assert.is(await (await sealedFetch('/', post)).text(), 'a body');
  shift = 200_000;
  const loaded: number[] = [];
  const body = new Blob(['x'.repeat(2_000_000)]);
  const onUploadProgress = (at: Progress) => loaded.push(at.loaded);
  const response = await sealedFetch('/', { method: 'POST', body, onUploadProgress });
  assert.is((await response.text()).length, 2_000_000);
  assert.equal([handled, network.exchanges.length], [2, 3]);
  assert.is(loaded.at(-1), 2_000_000);
  assert.is(loaded.filter((bytes) => bytes === loaded[0]).length, 2);
});

it('a wrong wall clock prevents neither handshake nor call', async () => {
  const server = await startServer();
  for (const wall of [-280_000, 280_000]) {
    const clock = movableClock();
    clock.moved.wall = wall;
    assert.is(await (await clientOf(server, { clock })('/', post)).text(), 'a body');
  }
  const clock = movableClock();
  const sealedFetch = clientOf(server, { clock });
  await sealedFetch.ready();
  clock.moved.wall = -3_600_000;
  assert.is(await (await sealedFetch('/', post)).text(), 'a body');
});

it('a session is renewed before it ends by rest or by age', async () => {
  const network = recordingFetch();
  const clock = movableClock();
  const server = await startServer({ clock: () => clock.now() });
  const sealedFetch = clientOf(server, { clock, fetch: network });
  assert.is(await (await sealedFetch('/', post)).text(), 'a body');
  clock.pass(3_500_000);
  assert.is(await (await sealedFetch('/', post)).text(), 'a body');
  assert.is(network.handshakes, 1);
  clock.pass(3_580_000);
  assert.is(await (await sealedFetch('/', post)).text(), 'a body');
  assert.is(network.handshakes, 2);
  // By age it is renewed in the background, and the call waits for nothing.
  for (let hours = 0; hours < 23; hours++) {
    clock.pass(3_500_000);
    assert.is(await (await sealedFetch('/', post)).text(), 'a body');
  }
  for (let turns = 0; turns < 500 && network.handshakes < 3; turns++) await sleep(2);
  assert.is(network.handshakes, 3);
  assert.is(await (await sealedFetch('/', post)).text(), 'a body');
  assert.is(network.handshakes, 3);
  assert.is(handled, 27);
});

it('a server that is full says when to come back', async () => {
  const store = storeWith(new MemorySessionStore(), { create: () => false });
  const server = await startServer({ store });
  const error = (await thrown(clientOf(server)('/'), 'too-many-handshakes')) as Error & {
    retryAfter?: number;
  };
  assert.ok((error.retryAfter ?? 0) > 0);
  assert.is(handled, 0);
});

it('a session store that is down at the handshake is `unavailable`', async () => {
  for (const method of ['create', 'claimHello']) {
    const store = storeWith(new MemorySessionStore(), {
      [method]: () => Promise.reject(new Error('redis://secret@host is down')),
    });
    const server = await startServer({ store });
    const network = recordingFetch();
    await thrown(clientOf(server, { fetch: network })('/'), 'unavailable');
    const answer = Buffer.concat(network.seen.at(-1)?.received ?? []).toString();
    assert.not.match(answer, 'secret');
    assert.is(network.seen.at(-1)?.status, 503);
  }
});

it('the platform is asked for the configuration once, and for nothing that a cache could keep', async () => {
  const server = await startServer();
  const network = recordingFetch();
  const sealedFetch = createSealedFetch({ origin: server.origin, identity: server.pin, fetch: network });
  for (let i = 0; i < 3; i++) await sealedFetch('/', post);
  assert.is(network.seen.filter(({ path }) => path === configurationPath).length, 1);
  for (const { path, init } of network.seen.slice(1)) assert.is(init.cache, 'no-store', path);
});

test.run();
