// KEM keys that stay in an HSM or a KMS: the ring knows of them, and asks them.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { thrown } from '../../../test/support/problems.ts';
import { KeyRing, memoryStorage } from '../src/index.ts';
import { day, fetched, hour, hsmKey, idOf, newRing, openRing, shakeHands } from './support/rings.ts';

it('a ring may hold no KEM secret at all', async () => {
  const { ring, storage, time } = await newRing({ suites: [], remote: [hsmKey()] });
  const [identity, entry] = ring.entries;
  assert.equal([identity?.purpose, entry?.purpose, entry?.elsewhere], ['identity', 'kem', true]);
  assert.is(await shakeHands(await fetched(ring, time()), ring, time()), entry?.id);
  // A process without access to the HSM can publish, but not answer.
  const other = await openRing(storage, { clock: time });
  assert.is(await shakeHands(await fetched(other, time()), other, time()), 'unavailable');
});

it('remote keys take the place of those that would be made, and one beside another waits for its turn', async () => {
  const [one, two] = [hsmKey(), hsmKey()];
  const { ring, storage, time } = await newRing({
    suites: ['X25519'],
    remote: [one],
    rotation: { jitter: 0 },
  });
  const first = idOf(ring, 'active', 'P-256');
  const all = await KeyRing.create(memoryStorage(), { remote: [one] });
  assert.is(all.entries.filter(({ alg }) => alg === 'P-256').length, 1);
  all.close();
  // However old it is, the ring cannot make another one.
  time.pass(40 * day);
  await ring.rotate();
  assert.is(idOf(ring, 'active', 'P-256'), first);
  const next = await openRing(storage, { clock: time, remote: [one, two], rotation: { jitter: 0 } });
  const held = await fetched(next, time());
  assert.is(await shakeHands(held, next, time(), 'P-256'), first);
  time.pass(hour);
  await next.rotate();
  assert.is(idOf(next, 'retiring', 'P-256'), first);
  const fresh = await fetched(next, time());
  assert.is(await shakeHands(fresh, next, time(), 'P-256'), idOf(next, 'active', 'P-256'));
  assert.is(await shakeHands(held, next, time(), 'P-256'), first);
  // Opening it once more adds nothing.
  const count = next.entries.length;
  await openRing(storage, { clock: time, remote: [one, two] });
  assert.is(next.entries.length, count);
});

it('in an emergency its successor has to be known first', async () => {
  const [one, two] = [hsmKey(), hsmKey()];
  const { ring, storage, time } = await newRing({ suites: [], remote: [one] });
  const stolen = idOf(ring, 'active', 'P-256');
  assert.match((await thrown(ring.emergency(stolen), 'key-state')).message, '`remote`');
  const next = await openRing(storage, { clock: time, remote: [one, two] });
  await next.emergency(stolen);
  assert.is(await next.findKey(stolen), undefined);
  assert.is(await shakeHands(await fetched(next, time()), next, time()), idOf(next, 'active', 'P-256'));
});

it('there is nothing of a remote key to be exported or erased', async () => {
  const policy = {
    server: { kem: ['decapsulate', 'rotate', 'destroy', 'export'], identity: ['sign'] },
  } as const;
  const { ring, time } = await newRing({ suites: ['X25519'], remote: [hsmKey()], policy });
  const id = idOf(ring, 'active', 'P-256');
  await thrown(ring.export(id), 'key-state');
  await ring.add({ purpose: 'kem', suite: 'P-256' });
  time.pass(hour);
  await ring.rotate();
  time.pass(25 * hour);
  await ring.rotate();
  time.pass(day);
  await ring.rotate();
  assert.is(ring.exportPublic(id).status, 'destroyed');
});

test.run();
