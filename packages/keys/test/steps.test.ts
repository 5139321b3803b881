// A key goes from pending to destroyed, one step after the other, and no step can be taken too early.
import { isSealwireError } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { dueSteps } from '../src/due.ts';
import { KeyRing, memoryStorage } from '../src/index.ts';
import { resolveRotation } from '../src/rotation-policy.ts';
import { day, fakeTime, fetched, hour, idOf, newRing, recordingAudit, shakeHands } from './support/rings.ts';

it('the first keys are in use at once: one for each suite, and an identity', async () => {
  const { ring, time } = await newRing({ suites: ['X25519', 'P-256'] });
  assert.equal(
    ring.entries.map(({ purpose, alg, status }) => `${purpose} ${alg} ${status}`),
    ['kem X25519 active', 'kem P-256 active', 'identity Ed25519 active'],
  );
  const { payload } = await fetched(ring, time());
  assert.equal(
    payload.keys.map(({ kid }) => kid),
    [idOf(ring, 'active'), idOf(ring, 'active', 'P-256')],
  );
});

it('without names there is a key for every suite', async () => {
  const ring = await KeyRing.create(memoryStorage());
  const suites = ring.entries.filter(({ purpose }) => purpose === 'kem').map(({ alg }) => alg);
  assert.equal(suites, ['MLKEM768-X25519', 'X25519', 'P-256']);
  ring.close();
});

it('a ring is created once, and opened only where there is one', async () => {
  const { storage } = await newRing();
  assert.match((await thrown(KeyRing.create(storage), 'keys-invalid')).message, 'KeyRing.open()');
  assert.match((await thrown(KeyRing.open(memoryStorage()), 'keys-invalid')).message, 'KeyRing.create()');
});

it('a key takes every step, and can be used from its publication to its end', async () => {
  const audit = recordingAudit();
  const { ring, storage, time } = await newRing({ audit, actor: 'operator' });
  const old = idOf(ring, 'active');
  const { id } = await ring.add({ purpose: 'kem', suite: 'X25519' });
  assert.is(idOf(ring, 'pending'), id);
  assert.is((await ring.findKey(id))?.kid, id);
  time.pass(hour);
  await ring.promote(id);
  const held = await fetched(ring, time());
  await ring.retire(old);
  assert.equal(
    (await fetched(ring, time())).payload.keys.map(({ kid }) => kid),
    [id],
  );
  assert.is((await ring.findKey(old))?.kid, old);
  assert.is(await shakeHands(held, ring, time()), id);
  time.pass(25 * hour);
  await ring.disable(old);
  assert.is(await ring.findKey(old), undefined);
  const entry = ring.entries.find((each) => each.id === old);
  assert.ok(entry);
  assert.is((await storage.secret(entry)).length, 32);
  await ring.destroy(old);
  await thrown(storage.secret(entry), 'keys-invalid');
  assert.is(ring.exportPublic(old).status, 'destroyed');
  const told = audit.events.filter((event) => 'kid' in event && event.kid === old);
  assert.equal(
    told.map(({ type }) => type),
    ['key.created', 'key.promoted', 'key.retired', 'key.disabled', 'key.destroyed'],
  );
  assert.equal(told[3], {
    type: 'key.disabled',
    reason: 'command',
    time: time(),
    kid: old,
    purpose: 'kem',
    actor: 'operator',
  });
});

it('a step that was taken before does nothing', async () => {
  const audit = recordingAudit();
  const { ring, time } = await newRing({ audit });
  const old = idOf(ring, 'active');
  const { id } = await ring.add({ purpose: 'kem', suite: 'X25519' });
  time.pass(day);
  for (const step of [
    () => ring.promote(id),
    () => ring.retire(old),
    () => {
      time.pass(25 * hour);
      return ring.disable(old);
    },
    () => ring.destroy(old),
    () => ring.emergency(id),
  ]) {
    const before = audit.events.length;
    await step();
    const { entries } = ring;
    const events = audit.events.length;
    assert.ok(events > before);
    await step();
    assert.is(ring.entries, entries);
    assert.is(audit.events.length, events);
  }
});

it('a step that cannot be taken is refused, and the error says what to do', async () => {
  const { ring, time } = await newRing();
  const only = idOf(ring, 'active');
  const refused = async (step: Promise<unknown>, remedy: string) => {
    const { entries } = ring;
    assert.match((await thrown(step, 'key-state')).message, remedy);
    assert.is(ring.entries, entries);
  };
  await refused(ring.retire(only), 'add and promote another one first');
  await refused(ring.disable(only), 'Retire it first');
  await refused(ring.destroy(only), 'Disable it first');
  await refused(ring.promote('A'.repeat(43)), 'There is no key');
  const { id } = await ring.add({ purpose: 'kem', suite: 'X25519' });
  time.pass(hour - 1);
  await refused(ring.promote(id), `promote it from ${new Date(time() + 1).toISOString()} on`);
  await refused(ring.disable(id), 'Retire it first');
  await refused(ring.destroy(id), 'Disable it first');
  time.pass(1);
  await ring.promote(id);
  await ring.retire(only);
  await refused(ring.promote(only), 'add a new one');
  await refused(ring.destroy(only), 'Disable it first');
  time.pass(25 * hour - 1);
  await refused(ring.disable(only), `disable it from ${new Date(time() + 1).toISOString()} on`);
  time.pass(1);
  await ring.disable(only);
  await refused(ring.promote(only), 'add a new one');
  await refused(ring.retire(only), 'retired before');
  await ring.destroy(only);
  await refused(ring.promote(only), 'add a new one');
  await refused(ring.retire(only), 'retired before');
  await refused(ring.disable(only), 'disabled before');
});

it('a key that is not wanted after all is retired before it was used, and goes on being accepted', async () => {
  const { ring, time } = await newRing();
  const { id } = await ring.add({ purpose: 'kem', suite: 'X25519' });
  await ring.retire(id);
  assert.is((await ring.findKey(id))?.kid, id);
  assert.is((await fetched(ring, time())).payload.keys.length, 1);
});

it('the first key of a suite need not wait, as nobody uses another one', async () => {
  const { ring, time } = await newRing();
  const { id } = await ring.add({ purpose: 'kem', suite: 'P-256' });
  await ring.promote(id);
  assert.is(await shakeHands(await fetched(ring, time()), ring, time(), 'P-256'), id);
});

it('keys that were made elsewhere are taken over, each once, if their halves belong together', async () => {
  const { ring, time } = await newRing();
  const from = await newRing({ policy: { server: { kem: ['export'], identity: ['export', 'sign'] } } });
  for (const [purpose, alg] of [
    ['kem', 'X25519'],
    ['identity', 'Ed25519'],
  ] as const) {
    const { id, pub, secret } = await from.ring.export(idOf(from.ring, 'active', alg));
    const pair = { alg, pub: Buffer.from(pub as string, 'base64url'), secret };
    const other = Buffer.from(ring.exportPublic(idOf(ring, 'active', alg)).pub as string, 'base64url');
    await thrown(ring.add({ purpose, imported: { ...pair, pub: other } }), 'keys-invalid');
    await thrown(ring.add({ purpose, imported: { ...pair, secret: secret.subarray(1) } }), 'keys-invalid');
    assert.is((await ring.add({ purpose, imported: pair })).id, id);
    assert.match((await thrown(ring.add({ purpose, imported: pair }), 'key-state')).message, 'before');
    time.pass(hour);
    await ring.promote(id);
  }
  const held = await fetched(ring, time(), from.ring.pins);
  assert.is(await shakeHands(held, ring, time()), idOf(from.ring, 'active'));
  await thrown(ring.add({ purpose: 'kem', imported: { alg: 'Ed25519' } as never }), 'invalid-option');
  await thrown(ring.add({ purpose: 'identity', imported: { alg: 'X25519' } as never }), 'invalid-option');
});

it('options that make no sense are refused by name', async () => {
  const storage = memoryStorage();
  for (const [options, name] of [
    [{ rotate: {} }, 'rotate'],
    [{ rotation: { age: 1 } }, 'age'],
    [{ rotation: { overlap: 0 } }, 'rotation.overlap'],
    [{ rotation: { maxAge: Number.NaN } }, 'rotation.maxAge'],
    [{ rotation: { jitter: 2 } }, 'rotation.jitter'],
    [{ rotation: { publishLead: Number.POSITIVE_INFINITY } }, 'rotation.publishLead'],
    [{ rotation: { publishLead: 0.5 } }, 'rotation.publishLead'],
    [{ suites: ['x448'] }, 'x448'],
    [{ identity: 'sw1' }, 'sw1'],
    [{ actor: '' }, 'actor'],
    [{ clock: 5 }, 'clock'],
    [{ remote: {} }, 'remote'],
    [{ remote: [null] }, 'remote'],
    [{ rotation: null }, 'rotation'],
    [{ audit: null }, 'audit'],
    [{ suites: null }, 'suites'],
    [{ suites: [1n] }, 'bigint'],
    [{ audit: {} }, 'audit'],
    [{ policy: { server: { kme: [] } } }, 'kme'],
    [{ policy: { server: { kem: ['decrypt'] } } }, 'decrypt'],
    [{ policy: { server: { kem: 'sign' } } }, 'sign'],
  ] as const) {
    const error = await failure(KeyRing.create(storage, options as never));
    assert.ok(isSealwireError(error, 'invalid-option'), name);
    assert.match((error as Error).message, name);
  }
  for (const none of [undefined, null, './keys', {}]) {
    await thrown(KeyRing.create(none as never), 'invalid-option');
    await thrown(KeyRing.open(none as never), 'invalid-option');
  }
  const { ring } = await newRing();
  await thrown(ring.add({ purpose: 'kem', suite: 'x448' as never }), 'invalid-option');
  await thrown(ring.add({ purpose: 'other' as never }), 'invalid-option');
});

it('what a storage cannot say is told when a ring is opened, in its words', async () => {
  const { storage } = await newRing();
  const broken = Object.create(storage, {
    read: { value: () => storage.read() },
    watch: { value: () => () => {} },
    secret: {
      value: async () => {
        const lost = memoryStorage();
        return lost.secret({ id: 'lost' } as never);
      },
    },
  });
  assert.match((await thrown(KeyRing.open(broken, { clock: fakeTime() }), 'keys-invalid')).message, 'lost');
});

it('nothing is due at a time that is no number', async () => {
  const { ring } = await newRing();
  assert.equal([...dueSteps(ring.entries, resolveRotation(), Number.NaN)], []);
});

test.run();
