// Keys change under load, over real connections, and no call fails or runs twice.
import { createSealedFetch, type SealedFetchOptions } from '@sealwire/client';
import { KeyRing, memoryStorage } from '@sealwire/keys';
import express from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, sleep } from './support/cases.ts';
import { recordingStorage } from './support/configurations.ts';
import { secretStorage } from './support/recording.ts';
import { afterwards } from './support/resources.ts';
import { type SealedServer, startSealed } from './support/servers.ts';

const clients = 50;
const rotations = 20;
/**
 * Milliseconds. A key is replaced as soon as it may be, every 0.2 s. Configurations last for half of the overlap; the other half is for what a
 * handshake takes on a slow machine where both sides share a process: more than a second was seen.
 */
const rotation = { maxAge: 1, publishLead: 150, overlap: 6000, keepHistory: 50, jitter: 0 };

/** A server that counts how often it ran each call, under which keys, and what it refused. */
async function startCounting(ring: KeyRing) {
  const executed = new Map<string, number>();
  const kids = new Set<string>();
  const refused: string[] = [];
  const server = await startSealed(
    express,
    (app) => {
      app.use(express.text());
      app.post('/orders', (req, res) => {
        const id = req.get('idempotency-key') as string;
        executed.set(id, (executed.get(id) ?? 0) + 1);
        kids.add(req.sealed?.kid as string);
        res.status(201).send(`done ${req.body}`);
      });
    },
    {
      keys: ring,
      before(app) {
        app.use((req, res, next) => {
          res.on('finish', () => res.statusCode >= 400 && refused.push(`${res.statusCode} ${req.path}`));
          next();
        });
      },
    },
  );
  return { server, executed, kids, refused };
}

/** The configurations that were published so far, as caches may have kept them. */
function keptConfigurations(server: SealedServer) {
  const kept: { at: number; body: string }[] = [];
  const path = '/.well-known/sealwire';
  return {
    async note() {
      const body = await (await fetch(server.origin + path)).text();
      if (kept.at(-1)?.body !== body) kept.push({ at: Date.now(), body });
    },
    /** The platform's fetch with a cache that answers with any copy not older than `age`, unless it is told to reload. */
    cachingFetch(age: number) {
      return async (url: string, init: RequestInit) => {
        const fresh = kept.filter(({ at }) => Date.now() - at < age);
        const { body } = fresh[Math.floor(Math.random() * fresh.length)] ?? {};
        if (!url.endsWith(path) || init.cache === 'reload' || body === undefined) return fetch(url, init);
        return new Response(body, { headers: { 'content-type': 'application/jose+json' } });
      };
    },
    /** What a client that was here before remembers. */
    storage: () => recordingStorage({ [`sealwire:${server.origin}`]: kept[0]?.body as string }),
  };
}

function clientOf(server: SealedServer, options: Partial<SealedFetchOptions>) {
  return createSealedFetch({ origin: server.origin, suites: ['X25519'], ...options });
}

it(`${clients} clients call without a pause while the keys change ${rotations} times, and the identity once`, async () => {
  const storage = secretStorage(memoryStorage());
  let promoted = 0;
  let disabled = 0;
  const audit = {
    record: ({ type }: { type: string }) => {
      if (type === 'key.promoted') promoted++;
      if (type === 'key.disabled') disabled++;
    },
  };
  const ring = await KeyRing.create(storage, { suites: ['X25519'], rotation, audit });
  // Another process that rotates, too.
  const other = await KeyRing.open(storage, { rotation, audit });
  for (const each of [ring, other]) afterwards(() => each.close());
  const { server, executed, kids, refused } = await startCounting(ring);
  const oldIdentity = ring.entries.find(({ purpose }) => purpose === 'identity')?.id as string;
  const { id: newIdentity } = await ring.add({ purpose: 'identity' });
  const identity = [...ring.pins, ring.exportPublic(newIdentity).pin as string];
  const kept = keptConfigurations(server);
  const failures: unknown[] = [];
  let calls = 0;
  let done = false;
  const old = () => ({ fetch: kept.cachingFetch(rotation.overlap / 3), storage: kept.storage() });

  async function call(sealedFetch: ReturnType<typeof clientOf>): Promise<void> {
    const id = `call-${calls++}`;
    try {
      const response = await sealedFetch('/orders', {
        method: 'POST',
        headers: { 'content-type': 'text/plain', 'idempotency-key': id },
        body: id,
      });
      if (response.status !== 201 || (await response.text()) !== `done ${id}`)
        throw new Error(`${response.status} for ${id}`);
    } catch (error) {
      failures.push(error);
    }
  }

  async function run(number: number): Promise<void> {
    // One in ten keeps its session; the others begin anew after a few calls, half of them with what a
    // cache and their storage kept.
    let sealedFetch = clientOf(server, { identity });
    while (!done) {
      for (let i = 0; i < 12; i++) await call(sealedFetch);
      if (number % 10 !== 0) sealedFetch = clientOf(server, { identity, ...(number % 2 === 0 && old()) });
    }
  }

  await kept.note();
  ring.start();
  other.start();
  promoted = 0;
  const running = Array.from({ length: clients }, (_, i) => run(i));
  // Also when the test fails.
  afterwards(() => {
    done = true;
  });
  // Until keys that clients have known for long are of no use any more.
  while (!done && (promoted <= rotations || disabled < 5)) {
    await sleep(40);
    await kept.note();
    if (promoted > rotations / 3) await ring.promote(newIdentity);
    if (promoted > (2 * rotations) / 3) await ring.retire(oldIdentity);
  }
  done = true;
  await Promise.all(running);

  assert.equal(failures, []);
  // Nor did any client have to look for another key.
  assert.equal(refused, []);
  assert.is(executed.size, calls);
  assert.equal(
    [...executed].filter(([, times]) => times !== 1),
    [],
  );
  assert.equal(ring.pins, [identity[1]]);
  assert.ok(kids.size >= 5, `${kids.size} keys were used`);
});

it('after an emergency clients that hold the old configuration recover by themselves', async () => {
  const ring = await KeyRing.create(secretStorage(memoryStorage()), { suites: ['X25519'] });
  afterwards(() => ring.close());
  const { server, executed, kids, refused } = await startCounting(ring);
  const stolen = ring.entries[0]?.id as string;
  const kept = keptConfigurations(server);
  await kept.note();
  await ring.emergency(stolen);
  const identity = ring.pins;
  await Promise.all(
    Array.from({ length: clients }, async (_, i) => {
      const sealedFetch = clientOf(server, { identity, fetch: kept.cachingFetch(60_000) });
      const headers = { 'content-type': 'text/plain', 'idempotency-key': String(i) };
      const response = await sealedFetch('/orders', { method: 'POST', headers, body: 'x' });
      assert.is(response.status, 201);
    }),
  );
  assert.is(refused.length, clients);
  assert.equal([...executed.values()], new Array(clients).fill(1));
  assert.equal(
    [...kids],
    [ring.entries.find(({ status, alg }) => status === 'active' && alg === 'X25519')?.id],
  );
});

test.run();
