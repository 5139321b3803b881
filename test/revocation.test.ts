// Revoking a client key or a key of the server ends the sessions, breaks off what runs, and touches nobody else.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createClientKey } from '@sealwire/client/client-key';
import { MemorySessionStore, type ServerKeys, StaticKeys } from '@sealwire/core';
import type { Operations, Sealed } from '@sealwire/node';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { Caller } from './support/caller.ts';
import { Arrivals, it, sleep } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { until, watch } from './support/left-behind.ts';
import { failure, thrown } from './support/problems.ts';
import { EventList } from './support/recorded-events.ts';
import { keys, startSealedNode } from './support/servers.ts';
import { stacks, startStack } from './support/stacks.ts';
import { SlowStore, storeWith } from './support/stores.ts';

const [revoked, other] = await Promise.all([createClientKey(), createClientKey()]);

/** What a handler has of a request, and what happens to it. */
class Handled {
  readonly events: string[] = [];
  readonly req: IncomingMessage & { sealed?: Sealed };
  readonly res: ServerResponse;

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.req = req;
    this.res = res;
    for (const event of ['end', 'error']) req.on(event, () => this.events.push(`request ${event}`));
    for (const event of ['finish', 'close']) res.on(event, () => this.events.push(`response ${event}`));
  }
}

/** The keys of the tests, of which one can be revoked. */
class RevocableKeys implements ServerKeys {
  readonly #listeners: ((kid: string) => void)[] = [];
  readonly #revoked = new Set<string>();
  readonly #keys: StaticKeys;
  readonly pins: readonly string[];

  constructor(given: StaticKeys = keys) {
    this.#keys = given;
    this.pins = given.pins;
  }

  findKey(kid: string) {
    return this.#revoked.has(kid) ? undefined : this.#keys.findKey(kid);
  }

  publish(...args: Parameters<ServerKeys['publish']>) {
    return this.#keys.publish(...args);
  }

  onRevoked(listener: (kid: string) => void): void {
    this.#listeners.push(listener);
  }

  revoke(kid: string): void {
    this.#revoked.add(kid);
    for (const listener of this.#listeners) listener(kid);
  }
}

const large = pattern(300_000);

/** Exchanges that run when a key is revoked; each says what the client sends and what the handler does. */
const running = {
  'an upload that is read': {
    share: 0.5,
    handle: ({ req }: Handled) => void req.resume(),
    ends: ['request error', 'response close'],
  },
  'an answer that streams': {
    share: 1,
    handle({ req, res }: Handled) {
      req.resume().on('end', () => res.write('begun'));
    },
    ends: ['request end', 'response close'],
  },
  'an upload that is answered meanwhile': {
    share: 0.5,
    handle({ req, res }: Handled) {
      req.resume();
      res.write('begun');
    },
    ends: ['request error', 'response close'],
  },
  'a handler that thinks': {
    share: 1,
    handle: ({ req }: Handled) => void req.resume(),
    ends: ['request end', 'response close'],
  },
};

for (const stack of stacks) {
  for (const [what, { share, handle, ends }] of Object.entries(running)) {
    for (const which of ['client', 'kid'] as const) {
      it(`${what} is broken off when its ${which} is revoked (${stack.name})`, async () => {
        const nothingIsLeft = watch();
        const arrived = new Arrivals<Handled>();
        const serverKeys = new RevocableKeys();
        const listener = (req: IncomingMessage, res: ServerResponse) => {
          const handled = new Handled(req, res);
          handle(handled);
          arrived.push(handled);
        };
        const server = await startStack(stack, { listener }, { options: { keys: serverKeys } });
        const caller = await Caller.connect(stack, server, true, revoked);
        const { bytes, begin, learn } = await caller.prepare({ body: large, shares: [10] });
        const call = await begin();
        const sending = call.write(bytes.subarray(0, bytes.length * share)).catch(() => {});
        const handled = await arrived.next();
        if (share < 1) {
          await sleep(50);
        } else {
          await sending.then(() => call.end());
          await until(() => handled.events.includes('request end'), 'its end');
        }
        if (which === 'kid') serverKeys.revoke(handled.req.sealed?.kid as string);
        else assert.is(await server.operations?.revokeClient(revoked.thumbprint), 1);
        const answer = await learn(await call.answer);
        assert.is(answer.complete, false);
        await until(() => handled.events.includes('response close'), 'the response closes');
        await sleep(20);
        // Node says `finish` of every http2 response whose stream is closed.
        const seen = handled.events.filter((event) => !stack.http2 || event !== 'response finish');
        assert.equal(seen.sort(), ends);
        // Whoever answers too late harms nobody.
        handled.res.end('late');
        assert.equal((server.store as MemorySessionStore).size, { confirmed: 0, halfOpen: 0 });
        caller.line.destroy();
        await nothingIsLeft(server);
      });
    }
  }

  it(`an upload that is read on after its answer is broken off, too (${stack.name})`, async () => {
    const arrived = new Arrivals<Handled>();
    const listener = (req: IncomingMessage, res: ServerResponse) => {
      const handled = new Handled(req, res);
      req.on('data', () => {});
      res.end('answered early');
      arrived.push(handled);
    };
    const server = await startStack(stack, { listener });
    const caller = await Caller.connect(stack, server, true, revoked);
    const { bytes, begin } = await caller.prepare({ body: large, shares: [10] });
    const call = await begin();
    call.write(bytes.subarray(0, bytes.length / 2)).catch(() => {});
    const handled = await arrived.next();
    await sleep(50);
    assert.is(await server.operations?.revokeClient(revoked.thumbprint), 1);
    call.write(bytes.subarray(bytes.length / 2)).then(
      () => call.end(),
      () => {},
    );
    await until(() => handled.events.includes('request error'), 'the rest does not come');
    await sleep(20);
    assert.not.ok(handled.events.includes('request end'));
    caller.line.destroy();
  });

  it(`what other clients run goes on, and a body that is held is not handed on (${stack.name})`, async () => {
    const arrived = new Arrivals<Handled>();
    const listener = (req: IncomingMessage, res: ServerResponse) => {
      req.resume();
      arrived.push(new Handled(req, res));
    };
    const server = await startStack(stack, { listener });
    const [leaving, staying] = await Promise.all(
      [revoked, other].map((signer) => Caller.connect(stack, server, true, signer)),
    );
    const begun = await (staying as Caller).prepare({ body: 'whole' });
    const answer = begun.send();
    const stays = await arrived.next();
    const { bytes, begin } = await (leaving as Caller).prepare({ body: 'held', shares: [2, 2] });
    const call = await begin();
    await call.write(bytes.subarray(0, -5));
    await until(() => (server.store as MemorySessionStore).size.confirmed === 2, 'the other one is accepted');
    assert.is(await server.operations?.revokeClient(revoked.thumbprint), 1);
    assert.is((await call.answer).complete, false);
    // Longer than any body is held.
    await sleep(150);
    stays.res.end('answered');
    assert.is((await answer).body, 'answered');
    const again = (await (staying as Caller).prepare({ body: 'again' })).send();
    const { req, res } = await arrived.next();
    assert.is(req.sealed?.client, other.thumbprint);
    res.end();
    assert.is((await again).complete, true);
  });
}

it('a client that is still allowed comes back by itself, one that is not hears why', async () => {
  const allowed = new Set([revoked.thumbprint]);
  const [stack] = stacks as [(typeof stacks)[0]];
  const server = await startStack(
    stack,
    { listener: (req, res) => void req.resume().on('end', () => res.end('answered')) },
    { options: { allowClients: (thumbprint) => (allowed.has(thumbprint) ? thumbprint : undefined) } },
  );
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { clientKey: revoked, fetch: network });
  await sealedFetch('/');
  assert.is(await server.operations?.revokeClient(revoked.thumbprint), 1);
  assert.is(await (await sealedFetch('/')).text(), 'answered');
  assert.is(network.handshakes, 2);
  allowed.clear();
  assert.is(await server.operations?.revokeClient(revoked.thumbprint), 1);
  await thrown(sealedFetch('/'), 'client-refused');
  assert.is(await server.operations?.revokeClient(revoked.thumbprint), 0);
});

it('a handshake under way when its client is revoked makes no session', async () => {
  const asked = new Arrivals<(value: unknown) => void>();
  const [stack] = stacks as [(typeof stacks)[0]];
  const options = { allowClients: () => new Promise<unknown>((resolve) => asked.push(resolve)) };
  const server = await startStack(stack, { listener: (_req, res) => void res.end() }, { options });
  const network = recordingFetch();
  const ready = clientOf(server, { clientKey: revoked, fetch: network }).ready();
  const failed = thrown(ready, 'client-refused');
  const allow = await asked.next();
  assert.is(await server.operations?.revokeClient(revoked.thumbprint), 0);
  allow(true);
  await failed;
  assert.is(network.seen.at(-1)?.status, 403);
});

it('nor does one that goes on behind the back of a store that is slow to say it is done', async () => {
  const asked = new Arrivals<(value: unknown) => void>();
  const store = new MemorySessionStore();
  const revoking = new Arrivals<() => void>();
  const slow = storeWith(store, {
    revoke: async (...args: Parameters<MemorySessionStore['revoke']>) => {
      const ended = store.revoke(...args);
      await new Promise<void>((resolve) => revoking.push(resolve));
      return ended;
    },
  });
  const [stack] = stacks as [(typeof stacks)[0]];
  const options = { allowClients: () => new Promise<unknown>((resolve) => asked.push(resolve)) };
  const listener = (_req: IncomingMessage, res: ServerResponse) => void res.end();
  const server = await startStack(stack, { listener }, { options, store: slow });
  const ready = thrown(clientOf(server, { clientKey: revoked }).ready(), 'client-refused');
  const allow = await asked.next();
  const ended = server.operations?.revokeClient(revoked.thumbprint);
  const done = await revoking.next();
  allow(true);
  await ready;
  done();
  assert.is(await ended, 0);
});

it('sessions of a revoked key of the server end, and the client finds its next key', async () => {
  const serverKeys = new RevocableKeys(await StaticKeys.generate(['X25519', 'P-256']));
  const store = new MemorySessionStore();
  const server = await startSealedNode((req, res) => res.end((req as { sealed?: Sealed }).sealed?.kid), {
    keys: serverKeys,
    store,
  });
  const [first, second] = [clientOf(server, { suites: ['X25519'] }), clientOf(server, { suites: ['P-256'] })];
  const kid = await (await first('/')).text();
  const otherKid = await (await second('/')).text();
  serverKeys.revoke(kid);
  assert.equal(store.size, { confirmed: 1, halfOpen: 0 });
  await thrown(first('/'), 'unknown-key');
  assert.is(await (await second('/')).text(), otherKid);
});

it('an exchange that the store accepted while its client was being revoked does not run', async () => {
  const store = new MemorySessionStore();
  const accepting = new Arrivals<() => void>();
  let handled = 0;
  const slow = storeWith(store, {
    accept: async (...args: Parameters<MemorySessionStore['accept']>) => {
      const answer = store.accept(...args);
      await new Promise<void>((resolve) => accepting.push(resolve));
      return answer;
    },
  });
  const [stack] = stacks as [(typeof stacks)[0]];
  const listener = (_req: IncomingMessage, res: ServerResponse) => {
    handled++;
    res.end();
  };
  const server = await startStack(stack, { listener }, { store: slow });
  const network = recordingFetch();
  const call = clientOf(server, { clientKey: revoked, fetch: network })('/', { method: 'POST', body: 'x' });
  const failed = thrown(call, 'outcome-unknown');
  const accept = await accepting.next();
  assert.is(await server.operations?.revokeClient(revoked.thumbprint), 1);
  accept();
  await failed;
  assert.is(handled, 0);
});

it('a store that fails is told of: to whoever revokes a client, and again and again where nobody waits', async () => {
  const store = new MemorySessionStore();
  let down = true;
  const failing = storeWith(store, {
    revoke: (...args: Parameters<MemorySessionStore['revoke']>) => {
      if (down) throw new Error('the store is down');
      return store.revoke(...args);
    },
  });
  const serverKeys = new RevocableKeys();
  const [stack] = stacks as [(typeof stacks)[0]];
  const server = await startStack(
    stack,
    { listener: (req, res) => void res.end((req as { sealed?: Sealed }).sealed?.kid) },
    { store: failing, options: { keys: serverKeys } },
  );
  const kid = await (await clientOf(server, { clientKey: revoked })('/')).text();
  const operations = server.operations as NonNullable<typeof server.operations>;
  await thrown(operations.revokeClient(revoked.thumbprint), 'unavailable');
  serverKeys.revoke(kid);
  await sleep(20);
  assert.is(store.size.confirmed, 1);
  down = false;
  await until(() => store.size.confirmed === 0, 'the store is asked again', 5000);
});

it('a store that never answers is not waited for, and what runs is broken off all the same', async () => {
  const store = new MemorySessionStore();
  const silent = storeWith(store, { revoke: () => new Promise<number>(() => {}) });
  const arrived = new Arrivals<Handled>();
  const [stack] = stacks as [(typeof stacks)[0]];
  const listener = (req: IncomingMessage, res: ServerResponse) => void arrived.push(new Handled(req, res));
  const server = await startStack(stack, { listener }, { store: silent });
  const broken = failure(clientOf(server, { clientKey: revoked })('/'));
  await arrived.next();
  await thrown((server.operations as Operations).revokeClient(revoked.thumbprint), 'unavailable');
  await broken;
});

it('a store that takes its time is waited for', async () => {
  const store = new MemorySessionStore();
  const [stack] = stacks as [(typeof stacks)[0]];
  const server = await startStack(
    stack,
    { listener: (_req, res) => void res.end() },
    { store: new SlowStore(store) },
  );
  await clientOf(server, { clientKey: revoked })('/');
  assert.is(await server.operations?.revokeClient(revoked.thumbprint), 1);
  assert.is(store.size.confirmed, 0);
});

it('what ends is on record once, with the number of sessions', async () => {
  const audit = new EventList();
  const serverKeys = new RevocableKeys();
  const [stack] = stacks as [(typeof stacks)[0]];
  const server = await startStack(
    stack,
    { listener: (req, res) => void res.end((req as { sealed?: Sealed }).sealed?.kid) },
    { options: { keys: serverKeys, audit } },
  );
  let kid: string | undefined;
  for (const clientKey of [revoked, revoked, other])
    kid = await (await clientOf(server, { clientKey })('/')).text();
  assert.is(audit.of('session.created').length, 3);
  assert.is(await server.operations?.revokeClient(revoked.thumbprint), 2);
  // Nothing is left of it that could end.
  assert.is(await server.operations?.revokeClient(revoked.thumbprint), 0);
  serverKeys.revoke(kid as string);
  serverKeys.revoke(kid as string);
  await until(() => audit.of('session.ended').length === 2, 'both are recorded');
  const [byClient, byKey] = audit.of('session.ended');
  assert.equal(
    [byClient?.reason, byClient?.client, byClient?.kid, byClient?.count],
    ['client-revoked', revoked.thumbprint, undefined, 2],
  );
  assert.equal([byKey?.reason, byKey?.client, byKey?.kid, byKey?.count], ['key-revoked', undefined, kid, 1]);
  await sleep(20);
  assert.is(audit.take().filter(({ type }) => type === 'session.ended').length, 2);
});

it('what is no thumbprint is refused', async () => {
  const [stack] = stacks as [(typeof stacks)[0]];
  const server = await startStack(stack, { listener: (_req, res) => void res.end() });
  const operations = server.operations as NonNullable<typeof server.operations>;
  for (const thumbprint of ['', 'Ada', undefined, `${revoked.thumbprint}x`])
    await thrown(operations.revokeClient(thumbprint as string), 'invalid-option');
});

test.run();
