// A request that was held back while its client was told that its session is unknown: the client sends it again, and
// whatever comes first and however often, it executes at most once.
import { encodeBase64Url, MemorySessionStore, type SessionStore } from '@sealwire/core';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Express, onExpress } from './support/cases.ts';
import { clientOf, connectionsGone, recordingFetch } from './support/clients.ts';
import { assertSealedProblem, thrown } from './support/problems.ts';
import { type SealedServer, startSealed } from './support/servers.ts';
import { SlowStore, storeWith } from './support/stores.ts';
import { WireClient } from './support/wire-client.ts';

let handled = 0;

function routes(app: Application): void {
  handled = 0;
  app.all('/count', (req, res) => {
    handled++;
    res.json({ method: req.method, repeat: req.headers['sealwire-repeat'] ?? null });
  });
}

const post = { method: 'POST', body: 'transfer 100' };

/** What a server that lost its session says; anyone on the path may say it too. */
function unknownSession(): Response {
  const problem = { type: 'urn:sealwire:problem:unknown-session', code: 'unknown-session', status: 409 };
  return new Response(JSON.stringify(problem), {
    status: 409,
    headers: { 'content-type': 'application/problem+json' },
  });
}

interface Path {
  /** The requests that the path kept: sends one on, as it was. */
  readonly held: (() => Promise<Response>)[];
  readonly network: ReturnType<typeof recordingFetch>;
}

/** A path that does as it likes with the first exchanges, one `act` after the other, and nothing afterwards. */
function hostilePath(...acts: ('hold' | 'execute')[]): Path {
  const held: Path['held'] = [];
  const network = recordingFetch({
    async request(url, init) {
      if (url.includes('/.well-known/')) return undefined;
      const act = acts.shift();
      if (act === undefined) return undefined;
      const send = () => fetch(url, init);
      if (act === 'hold') held.push(send);
      else await (await send()).arrayBuffer();
      return unknownSession();
    },
  });
  return { held, network };
}

const stores: Record<string, () => SessionStore> = {
  'in memory': () => new MemorySessionStore(),
  'that takes its time': () => new SlowStore(new MemorySessionStore()),
};

for (const [name, createStore] of Object.entries(stores)) {
  const start = (express: Express) => startSealed(express, routes, { store: createStore() });

  onExpress(
    `a POST that was held back executes once, when it is sent again (store ${name})`,
    async (express) => {
      const server = await start(express);
      assert.is((await clientOf(server)('/count', post)).status, 200);
      const { held, network } = hostilePath('hold');
      const response = await clientOf(server, { fetch: network })('/count', post);
      assert.equal(await response.json(), { method: 'POST', repeat: null });
      assert.is(handled, 2);
      assert.is(network.handshakes, 2);
      // Too late: its number was burnt.
      for (const release of held) assert.is((await release()).status, 409);
      assert.is(handled, 2);
    },
  );

  onExpress(`a POST that was executed before is not executed again (store ${name})`, async (express) => {
    const server = await start(express);
    const { network } = hostilePath('execute');
    await thrown(clientOf(server, { fetch: network })('/count', post), 'outcome-unknown');
    assert.is(handled, 1);
  });

  onExpress(`both attempts are named by the third (store ${name})`, async (express) => {
    const server = await start(express);
    const { held, network } = hostilePath('hold', 'hold');
    assert.is((await clientOf(server, { fetch: network })('/count', post)).status, 200);
    assert.is(network.exchanges.length, 3);
    for (const release of held) assert.is((await release()).status, 409);
    assert.is(handled, 1);
    const second = hostilePath('hold', 'execute');
    await thrown(clientOf(server, { fetch: second.network })('/count', post), 'outcome-unknown');
    for (const release of second.held) assert.is((await release()).status, 409);
    assert.is(handled, 2);
  });

  onExpress(`a GET that was executed before runs again (store ${name})`, async (express) => {
    const server = await start(express);
    const { network } = hostilePath('execute');
    assert.is((await clientOf(server, { fetch: network })('/count')).status, 200);
    assert.is(handled, 2);
  });
}

onExpress('a path that never lets a POST through learns nothing and executes nothing', async (express) => {
  const server = await startSealed(express, routes);
  const { held, network } = hostilePath('hold', 'hold', 'hold');
  await thrown(clientOf(server, { fetch: network })('/count', post), 'outcome-unknown');
  assert.is(network.exchanges.length, 3);
  assert.is(handled, 0);
  // The last attempt burns the first two as soon as it comes.
  const [first, second, third] = held as [Path['held'][0], Path['held'][0], Path['held'][0]];
  assert.is((await third()).status, 200);
  assert.is((await first()).status, 409);
  assert.is((await second()).status, 409);
  assert.is(handled, 1);
});

onExpress('a body that streams cannot be sent again', async (express) => {
  const server = await startSealed(express, routes);
  const stream = () => new Blob(['streamed']).stream();
  const sealed = { method: 'POST', duplex: 'half' } as RequestInit;
  assert.is((await clientOf(server)('/count', { ...sealed, body: stream() })).status, 200);
  const { network } = hostilePath('hold');
  const call = clientOf(server, { fetch: network })('/count', { ...sealed, body: stream() });
  await thrown(call, 'body-not-resendable');
  assert.is(network.exchanges.length, 1);
  assert.is(handled, 1);
});

/** Ends every session, as an operator does who revokes them, or loses them with all that was known of them. */
async function withSession(express: Express, store: MemorySessionStore) {
  const sids: string[] = [];
  const watched = storeWith(store, {
    create: (...args: Parameters<SessionStore['create']>) => {
      sids.push(args[0]);
      return store.create(...args);
    },
  });
  const server = await startSealed(express, routes, { store: watched });
  const sealedFetch = clientOf(server);
  assert.is((await sealedFetch('/count', post)).status, 200);
  return { server, sealedFetch, sids };
}

onExpress('a POST in a session that was ended is sent again in a new one', async (express) => {
  const store = new MemorySessionStore();
  const { sealedFetch, sids } = await withSession(express, store);
  store.end(sids[0] as string, Date.now());
  assert.is((await sealedFetch('/count', post)).status, 200);
  assert.is(sids.length, 2);
  assert.is(handled, 2);
});

for (const sole of [true, false]) {
  const what = sole ? 'executes where the store is the only one' : 'may have run elsewhere';
  onExpress(`a POST in a session of which nobody knows ${what}`, async (express) => {
    let time = Date.now();
    const store = new MemorySessionStore({ sole });
    const server = await startSealed(express, routes, { store, clock: () => time });
    const clock = { now: () => time, monotonic: () => time };
    // The store has been complete since its first session.
    assert.is((await clientOf(server, { clock })('/count', post)).status, 200);
    time += 1000;
    const sealedFetch = clientOf(server, { clock });
    await sealedFetch.ready();
    // Nothing was sent in it: half-open, it is dropped after a minute, and nothing is kept of it.
    time += 61_000;
    const call = sealedFetch('/count', post);
    if (sole) assert.is((await call).status, 200);
    else await thrown(call, 'outcome-unknown');
    assert.is(handled, sole ? 2 : 1);
  });
}

onExpress('a store that is the only one, but younger than the request, cannot know', async (express) => {
  const first = await startSealed(express, routes, { store: new MemorySessionStore({ sole: true }) });
  const { held, network } = hostilePath('hold');
  const sealedFetch = clientOf(first, { fetch: network });
  await sealedFetch.ready();
  await first.close();
  await connectionsGone(first.origin);
  const second = await startSealed(express, routes, {
    port: first.port,
    store: new MemorySessionStore({ sole: true }),
  });
  assert.is(second.origin, first.origin);
  await thrown(sealedFetch('/count', post), 'outcome-unknown');
  // The record of the session is lost, so the held one is nothing to anybody either.
  for (const release of held) assert.is((await release()).headers.get('sealwire'), 'unknown-session');
  assert.is(handled, 0);
});

/** Seals a POST that says it repeats another exchange. */
async function repeating(wire: WireClient, value: string, options = {}) {
  const message = await wire.seal({
    path: '/count',
    body: 'again',
    fields: [['sealwire-repeat', value]],
    ...options,
  });
  return wire.open(message, await wire.send(message));
}

onExpress('who knows the number of an exchange, but not its session, cannot burn it', async (express) => {
  const server: SealedServer = await startSealed(express, routes);
  const [victim, attacker] = [await WireClient.connect(server), await WireClient.connect(server)];
  const message = await victim.seal({ path: '/count', body: 'genuine' });
  const guesses = ['AAAAAAAAAAAAAAAAAAAAAA', encodeBase64Url(crypto.getRandomValues(new Uint8Array(16)))];
  for (const proof of guesses) {
    const name = `${victim.sid};${message.n};${proof};${Date.now()}`;
    assertSealedProblem(await repeating(attacker, name), 'malformed');
  }
  assert.is(handled, 0);
  assert.is((await victim.open(message, await victim.send(message))).status, 200);
  assert.is(handled, 1);
});

onExpress('a field that names no exchange is refused, and a request may name two', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const unknown = `${encodeBase64Url(new Uint8Array(16))};0;AAAAAAAAAAAAAAAAAAAAAA;${Date.now()}`;
  assertSealedProblem(await repeating(wire, unknown), 'outcome-unknown');
  for (const value of [
    '',
    'nonsense',
    `${unknown};`,
    unknown.replace(';0;', ';00;'),
    unknown.replace('A', ''),
  ]) {
    assertSealedProblem(await repeating(wire, value), 'malformed');
  }
  const names = (count: number) => ({
    fields: Array.from({ length: count }, () => ['sealwire-repeat', unknown]),
  });
  assertSealedProblem(await repeating(wire, unknown, names(2)), 'outcome-unknown');
  assertSealedProblem(await repeating(wire, unknown, names(3)), 'malformed');
  assert.is(handled, 0);
});

/** A path that lets the first exchange run and says "unknown session"; `then` meets what comes next. */
function afterExecuting(then: (url: string, init: RequestInit) => RequestInit | Response | undefined) {
  let executed = false;
  return recordingFetch({
    async request(url, init) {
      if (executed) return then(url, init);
      if (url.includes('/.well-known/')) return undefined;
      executed = true;
      await (await fetch(url, init)).arrayBuffer();
      return unknownSession();
    },
  });
}

const forged = {
  'a handshake that fails in the network': (url: string) => {
    if (url.includes('/.well-known/')) throw new TypeError('fetch failed');
    return undefined;
  },
  'a plaintext "rejected"': (url: string) =>
    url.includes('/.well-known/')
      ? undefined
      : new Response('{"code":"rejected"}', { status: 400, headers: { sealwire: 'rejected' } }),
  'a page of a gateway': (url: string) =>
    url.includes('/.well-known/') ? undefined : new Response('<h1>502</h1>', { status: 502 }),
};

for (const [what, then] of Object.entries(forged)) {
  onExpress(`a POST that ran is not called unsent because of ${what} behind it`, async (express) => {
    const server = await startSealed(express, routes);
    await thrown(clientOf(server, { fetch: afterExecuting(then) })('/count', post), 'outcome-unknown');
    assert.is(handled, 1);
  });
}

onExpress(
  'a head that is too large only when it names an earlier attempt hides no execution',
  async (express) => {
    const server = await startSealed(express, routes);
    const headers = { authorization: 'x'.repeat(4380) };
    const call = (fetch?: ReturnType<typeof recordingFetch>) =>
      clientOf(server, fetch === undefined ? {} : { fetch })('/count', { method: 'DELETE', headers });
    assert.is((await call()).status, 200);
    await thrown(call(afterExecuting(() => undefined)), 'outcome-unknown');
    assert.is(handled, 2);
  },
);

onExpress('a store that breaks between two copies of a POST leaves its outcome unknown', async (express) => {
  const store = new MemorySessionStore();
  let accepted = 0;
  const breaking = storeWith(store, {
    accept(...args: Parameters<SessionStore['accept']>) {
      if (accepted++ === 1) throw new Error('no connection');
      return store.accept(...args);
    },
  });
  const server = await startSealed(express, routes, { store: breaking });
  const network = recordingFetch({
    async request(url, init) {
      if (!url.includes('/.well-known/')) await (await fetch(url, init)).arrayBuffer();
      return undefined;
    },
  });
  await thrown(clientOf(server, { fetch: network })('/count', post), 'outcome-unknown');
  assert.is(handled, 1);
});

onExpress(
  'an attempt that burnt the earlier ones, and that a set-back clock refused, is not in the way',
  async (express) => {
    let time = Date.now();
    const server = await startSealed(express, routes, { clock: () => time });
    const { held, network } = hostilePath('hold');
    let set = false;
    const setting = recordingFetch({
      async request(url, init) {
        const response = await network(url, init);
        // Behind the second handshake the server's clock is set back.
        if (!set && network.handshakes === 2) {
          set = true;
          time -= 40_000;
        }
        return response;
      },
    });
    assert.is((await clientOf(server, { fetch: setting })('/count', post)).status, 200);
    for (const release of held) assert.is((await release()).status, 409);
    assert.is(handled, 1);
  },
);

for (const back of [40_000, 3_600_000]) {
  onExpress(`a server whose clock is set back by ${back / 1000} seconds loses no client`, async (express) => {
    let time = Date.now();
    const server = await startSealed(express, routes, { clock: () => time });
    const network = recordingFetch();
    const sealedFetch = clientOf(server, { fetch: network });
    assert.is((await sealedFetch('/count', post)).status, 200);
    time -= back;
    for (let i = 0; i < 3; i++) assert.is((await sealedFetch('/count', post)).status, 200);
    assert.is(handled, 4);
    assert.is(network.handshakes, 2);
  });
}

for (const method of ['repeatKey', 'burn', 'completeSince'] as const) {
  onExpress(`a store whose ${method}() fails executes nothing`, async (express) => {
    const store = new MemorySessionStore({ sole: true });
    let broken = false;
    const breaking = storeWith(store, {
      [method]: (...args: [string, number, number]) => {
        if (broken) throw new Error('no connection');
        return (store[method] as (...given: unknown[]) => unknown)(...args);
      },
      // Only of what is unknown does anyone ask since when the store is complete.
      ...(method === 'completeSince' && { repeatKey: () => undefined }),
    });
    const server = await startSealed(express, routes, { store: breaking });
    broken = true;
    const { network } = hostilePath('hold');
    await thrown(clientOf(server, { fetch: network })('/count', post), 'outcome-unknown');
    assert.is(handled, 0);
  });
}

test.run();
