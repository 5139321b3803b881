// Whatever is asked of a key ring in whatever order: what must always hold of it, holds.
import { fromUtf8, isSealwireError } from '@sealwire/core';
import { KeyRing, memoryStorage } from '@sealwire/keys';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from './support/cases.ts';
import { secretStorage } from './support/recording.ts';

const hour = 3_600_000;
const subject = { aud: ['https://api.example.com'], fields: [] };
const suites = ['X25519', 'P-256'] as const;
const order = ['pending', 'active', 'retiring', 'disabled', 'destroyed'];

const added = {
  X25519: { purpose: 'kem', suite: 'X25519' },
  'P-256': { purpose: 'kem', suite: 'P-256' },
  identity: { purpose: 'identity' },
  'store-wrap': { purpose: 'store-wrap' },
} as const;
const keySteps = ['promote', 'retire', 'disable', 'destroy', 'emergency'] as const;
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom(...keySteps), key: fc.nat(40), by: fc.nat(1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      what: fc.constantFrom(...(Object.keys(added) as (keyof typeof added)[])),
      by: fc.nat(1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rotate' as const), by: fc.nat(1) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      hours: fc.constantFrom(0.5, 1, 25, 100, 800),
      by: fc.nat(1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('publish' as const), by: fc.nat(1) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function take(step: Step, ring: KeyRing, pass: (milliseconds: number) => void): Promise<void> {
  switch (step.do) {
    case 'add':
      await ring.add(added[step.what]);
      return;
    case 'rotate':
      return ring.rotate();
    case 'pass':
      return pass(step.hours * hour);
    case 'publish':
      await ring.publish(subject);
      return;
    default:
      return ring[step.do](ring.entries[step.key % ring.entries.length]?.id as string);
  }
}

async function played(steps: readonly Step[]): Promise<void> {
  let now = 1_800_000_000_000;
  const storage = secretStorage(memoryStorage());
  const options = { clock: () => now };
  const one = await KeyRing.create(storage, { suites, ...options });
  const rings = [one, await KeyRing.open(storage, options)];
  let seq = 0;
  let before = one.entries;
  let body = '';
  try {
    for (const step of steps) {
      const ring = rings[step.by] as KeyRing;
      const state = await storage.read();
      try {
        await take(step, ring, (milliseconds) => {
          now += milliseconds;
        });
      } catch (error) {
        if (!isSealwireError(error, 'key-state')) throw error;
        assert.is(await storage.read(), state, 'a refused step changed something');
      }
      const { entries } = await storage.read();
      for (const entry of entries) {
        // A status is never taken back.
        const { status = 'pending' } = before.find(({ id }) => id === entry.id) ?? {};
        assert.ok(order.indexOf(entry.status) >= order.indexOf(status));
        const kept = await storage.secret(entry).then(
          (secret) => secret.length,
          () => undefined,
        );
        assert.is(kept, entry.status === 'destroyed' ? undefined : 32, entry.status);
      }
      before = entries;
      const active = entries.filter(({ status }) => status === 'active');
      for (const suite of suites)
        assert.ok(
          active.some(({ alg }) => alg === suite),
          suite,
        );
      const signers = active.filter(({ purpose }) => purpose === 'identity').length;
      assert.ok(signers >= 1 && signers <= 4);
      // Every process publishes the same, and names every key in use and none that is not accepted.
      const published = await Promise.all(rings.map((each) => each.publish(subject)));
      assert.is(published[0]?.body, published[1]?.body);
      const jws = JSON.parse(published[0]?.body as string) as { payload: string; signatures: unknown[] };
      assert.is(jws.signatures.length, signers);
      const payload = JSON.parse(fromUtf8(Buffer.from(jws.payload, 'base64url'))) as {
        seq: number;
        keys: { kid: string }[];
      };
      if (published[0]?.body !== body) assert.ok(payload.seq > seq, 'seq did not rise');
      else assert.is(payload.seq, seq);
      ({ seq } = payload);
      body = published[0]?.body as string;
      const named = payload.keys.map(({ kid }) => kid);
      for (const { id, purpose } of active) if (purpose === 'kem') assert.ok(named.includes(id));
      for (const kid of named)
        for (const each of rings) assert.is((await each.findKey(kid))?.kid, kid, 'published, but not found');
      for (const { id } of entries.filter(
        ({ purpose, status }) => purpose === 'kem' && status === 'retiring',
      ))
        for (const each of rings) assert.is((await each.findKey(id))?.kid, id, 'retired, but not found');
      for (const { id, status } of entries.filter(({ disabled }) => disabled !== undefined))
        for (const each of rings) assert.is(await foundNow(each, id), undefined, status);
    }
  } finally {
    for (const ring of rings) ring.close();
  }
}

/** A key that a ring knows is found, or not, without asking others, which takes its time. */
async function foundNow(ring: KeyRing, id: string): Promise<string | undefined> {
  const found = ring.findKey(id);
  if (!(found instanceof Promise)) return found?.kid;
  const key = await Promise.race([
    found,
    new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined))),
  ]);
  return key?.kid;
}

it('over any sequence of steps by two processes', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), played), {
    numRuns: 60,
    endOnFailure: true,
  });
});

test.run();
