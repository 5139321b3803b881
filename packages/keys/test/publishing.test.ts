// What a ring publishes: signed by every identity, the same bytes by every process, never older than before.
import { signConfiguration } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { newIdentity } from '../../../test/support/configurations.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import type { KeyStorage } from '../src/index.ts';
import { day, fetched, hour, idOf, minute, newRing, openRing, shakeHands, subject } from './support/rings.ts';

it('a configuration is signed for a day, again after an hour, and at once when the keys change', async () => {
  const { ring, time } = await newRing();
  const first = await fetched(ring, time());
  assert.is(first.payload.iat, time());
  assert.is(first.payload.exp - first.payload.iat, day);
  time.pass(hour - 1);
  assert.is((await fetched(ring, time())).body, first.body);
  time.pass(1);
  const second = await fetched(ring, time());
  assert.is(second.payload.iat, time());
  assert.ok(second.payload.seq > first.payload.seq);
  const { id } = await ring.add({ purpose: 'kem', suite: 'X25519' });
  const third = await fetched(ring, time());
  assert.ok(third.payload.seq > second.payload.seq);
  const pending = third.payload.keys.find(({ kid }) => kid === id);
  assert.is(pending?.nbf, time() + hour);
  // Behind the one in use, so that nobody takes it as long as both are valid.
  assert.is(third.payload.keys.at(-1)?.kid, id);
});

it('a short overlap makes configurations that end before any key in them', async () => {
  for (const [overlap, life] of [
    [25 * hour, day],
    [100 * day, day],
    [2 * hour, 2 * hour - 5 * minute],
    [minute, minute / 2],
    [300, 150],
  ] as const) {
    const { ring, time } = await newRing({ rotation: { overlap } });
    const { payload, maxAge } = await fetched(ring, time());
    assert.is(payload.exp - payload.iat, life);
    assert.ok(maxAge <= life && maxAge <= 5 * minute);
    for (const key of payload.keys) assert.ok(key.exp <= payload.exp);
  }
});

it('a cache keeps a configuration for minutes, not every client for the same time, and never beyond its end', async () => {
  const { ring, time } = await newRing();
  const ages = new Set<number>();
  for (let i = 0; i < 20; i++) ages.add((await ring.publish(subject, time())).maxAge);
  assert.ok(ages.size > 1 && Math.min(...ages) >= 2.5 * minute && Math.max(...ages) <= 5 * minute);
  const short = await newRing({ rotation: { overlap: 4 * minute } });
  await fetched(short.ring, short.time());
  short.time.pass(29_000);
  for (let i = 0; i < 20; i++) {
    const { maxAge, payload } = await fetched(short.ring, short.time());
    assert.ok(short.time() + maxAge <= payload.exp);
  }
});

it('every process publishes the same bytes, whoever signs, however many ask at once', async () => {
  const { ring, storage, time } = await newRing();
  const others = [await openRing(storage, { clock: time }), await openRing(storage, { clock: time })];
  let seq = 0;
  for (let i = 0; i < 6; i++) {
    const asked = [ring, ...others, ring, ...others].map((each) => each.publish(subject, time()));
    const bodies = new Set((await Promise.all(asked)).map(({ body }) => body));
    assert.is(bodies.size, 1);
    const { payload } = await fetched(ring, time());
    assert.ok(payload.seq > seq);
    seq = payload.seq;
    if (i % 2 === 0) time.pass(hour);
    else await ring.add({ purpose: 'kem', suite: 'X25519' });
  }
});

it('each subject has a configuration of its own, and not every Host that was ever called is remembered', async () => {
  const { ring, storage, time } = await newRing();
  const { body } = await ring.publish(subject, time());
  for (let i = 0; i < 40; i++) {
    time.pass(1);
    const { body: other } = await ring.publish({ aud: [`http://host-${i}`], fields: [] }, time());
    assert.is.not(other, body);
  }
  assert.is(Object.keys((await storage.read()).signed).length, 16);
});

it('seq is never below the time, so that it rises also over a lost state, and where static keys were before', async () => {
  const { ring, time } = await newRing();
  assert.ok((await fetched(ring, time())).payload.seq >= time());
});

it('what cannot be signed again for a moment is published as it is, until it ends', async () => {
  const { ring, storage, time } = await newRing();
  let broken = false;
  const failing: KeyStorage = Object.create(storage, {
    read: { value: () => storage.read() },
    secret: { value: storage.secret.bind(storage) },
    watch: { value: storage.watch.bind(storage) },
    update: {
      value: (change: Parameters<KeyStorage['update']>[0]) =>
        broken ? Promise.reject(new Error('disk full')) : storage.update(change),
    },
  });
  const other = await openRing(failing, { clock: time });
  const { body } = await ring.publish(subject, time());
  broken = true;
  time.pass(2 * hour);
  assert.is((await other.publish(subject, time())).body, body);
  time.pass(22 * hour);
  assert.match(String(await failure(other.publish(subject, time()))), 'disk full');
});

it('where nothing can be changed, each process signs for itself', async () => {
  const { ring, storage, time } = await newRing();
  const readOnly: KeyStorage = {
    readOnly: true,
    read: () => storage.read(),
    secret: (entry) => storage.secret(entry),
    update: () => Promise.reject(new Error('read-only')),
    watch: () => () => {},
  };
  const fixed = await openRing(readOnly, { clock: time });
  const first = await fetched(fixed, time());
  assert.is(await shakeHands(first, fixed, time()), idOf(ring, 'active'));
  assert.is((await fetched(fixed, time())).body, first.body);
  time.pass(hour);
  assert.ok((await fetched(fixed, time())).payload.seq > first.payload.seq);
  assert.is((await storage.read()).seq, 0);
  for (const change of [
    () => fixed.add({ purpose: 'kem', suite: 'X25519' }),
    () => fixed.emergency(idOf(fixed, 'active')),
    () => fixed.rotate(),
    async () => fixed.start(),
  ])
    await thrown(change(), 'keys-invalid');
});

it('an identity is changed in steps that fail no client which pins both', async () => {
  const { ring, time } = await newRing();
  const old = idOf(ring, 'active', 'Ed25519');
  const { id } = await ring.add({ purpose: 'identity' });
  const pin = ring.exportPublic(id).pin as string;
  const [before] = ring.pins as [string];
  assert.is(ring.exportPublic(old).pin, before);
  // Clients are shipped with both pins; then both sign.
  await fetched(ring, time(), [before]);
  await fetched(ring, time(), [before, pin]);
  await thrown(fetched(ring, time(), [pin]), 'identity-mismatch');
  await ring.promote(id);
  assert.equal(ring.pins, [before, pin]);
  for (const pins of [[before], [before, pin], [pin]]) await fetched(ring, time(), pins);
  await ring.retire(old);
  assert.equal(ring.pins, [pin]);
  for (const pins of [[before, pin], [pin]]) await fetched(ring, time(), pins);
  await thrown(fetched(ring, time(), [before]), 'identity-mismatch');
  await ring.disable(old);
  await ring.destroy(old);
});

it('at most four identities sign', async () => {
  const { ring, time } = await newRing();
  for (let i = 0; i < 4; i++) {
    const { id } = await ring.add({ purpose: 'identity' });
    if (i < 3) await ring.promote(id);
    else assert.match((await thrown(ring.promote(id), 'key-state')).message, 'retire one of them first');
  }
  for (const pin of ring.pins) await fetched(ring, time(), [pin]);
});

it('an identity may sign elsewhere; the ring publishes what it signed', async () => {
  const identity = await newIdentity();
  const { ring, storage, time } = await newRing({ identity: identity.pin, rotation: { overlap: 8 * day } });
  assert.equal(ring.pins, [identity.pin]);
  assert.match(
    (await thrown(ring.publish(subject, time()), 'keys-invalid')).message,
    'configurationToSign()',
  );
  const payload = await ring.configurationToSign(subject);
  assert.is(payload.exp - payload.iat, 7 * day);
  const text = await signConfiguration(payload, [identity]);
  await ring.importSigned(text);
  await ring.importSigned(text);
  const other = await openRing(storage, { clock: time });
  for (const each of [ring, other]) assert.is((await each.publish(subject, time())).body, text);
  assert.is(await shakeHands(await fetched(ring, time()), ring, time()), idOf(ring, 'active'));
  // It is published as long as it is valid.
  time.pass(7 * day - 1);
  assert.is((await fetched(ring, time())).maxAge, 1);
  time.pass(1);
  await thrown(ring.publish(subject, time()), 'keys-invalid');
});

it('a rotation waits for the signature that publishes the new key', async () => {
  const identity = await newIdentity();
  const rotation = { overlap: 8 * day, jitter: 0 };
  const { ring, time } = await newRing({ identity: identity.pin, rotation });
  const sign = async () =>
    ring.importSigned(await signConfiguration(await ring.configurationToSign(subject), [identity]));
  await sign();
  const old = idOf(ring, 'active');
  time.pass(30 * day);
  await ring.rotate();
  const next = idOf(ring, 'pending');
  time.pass(day);
  await ring.rotate();
  assert.is(idOf(ring, 'pending'), next);
  assert.match((await thrown(ring.promote(next), 'key-state')).message, 'signed configuration');
  await sign();
  const held = await fetched(ring, time());
  time.pass(hour);
  await ring.rotate();
  assert.is(idOf(ring, 'active'), next);
  // It names the old key, too, which is accepted for longer than it is valid.
  for (let passed = 0; time() < held.payload.exp; passed++) {
    assert.is((await shakeHands(held, ring, time())).length, 43, `day ${passed}`);
    time.pass(day);
    await ring.rotate();
  }
  time.pass(day);
  await ring.rotate();
  assert.is(await ring.findKey(old), undefined);
});

it('what was signed elsewhere has to fit the ring', async () => {
  const [identity, stranger] = [await newIdentity(), await newIdentity()];
  const { ring, time } = await newRing({ identity: identity.pin });
  const payload = await ring.configurationToSign(subject);
  const good = await signConfiguration(payload, [identity]);
  const importing = async (change: object, by = identity) =>
    ring.importSigned(await signConfiguration({ ...payload, ...change }, [by]));
  const stolen = await newRing();
  const foreign = await stolen.ring.configurationToSign(subject);
  await thrown(importing({}, stranger), 'identity-mismatch');
  await thrown(ring.importSigned('{}'), 'configuration-invalid');
  await thrown(ring.importSigned(good.replace('payload":"', 'payload":"e30')), 'configuration-invalid');
  await thrown(importing({ exp: payload.exp + hour }), 'keys-invalid');
  await thrown(
    importing({ keys: payload.keys.map((key) => ({ ...key, exp: key.exp + hour })) }),
    'keys-invalid',
  );
  await thrown(importing({ iat: time() - 2 * hour, exp: time() }), 'keys-invalid');
  await thrown(importing({ keys: [] }), 'keys-invalid');
  await thrown(importing({ keys: [...payload.keys, ...foreign.keys] }), 'key-state');
  await ring.importSigned(good);
  await thrown(importing({ fields: [], iat: time() + 1 }), 'keys-invalid');
  await thrown(importing({ seq: payload.seq - 1 }), 'keys-invalid');
  await importing({ seq: payload.seq + 1 });
  await ring.emergency(idOf(ring, 'active'));
  await thrown(importing({ seq: payload.seq + 2 }), 'keys-invalid');
  assert.is((await fetched(ring, time())).payload.seq, payload.seq + 1);
});

it('an identity moves out: what it signed elsewhere is published when the one of the ring has gone', async () => {
  const identity = await newIdentity();
  const { ring, time } = await newRing();
  const [mine] = ring.pins as [string];
  const old = idOf(ring, 'active', 'Ed25519');
  const { id } = await ring.add({ purpose: 'identity', pin: identity.pin });
  await ring.promote(id);
  assert.equal(ring.pins, [mine, identity.pin]);
  const before = await fetched(ring, time(), [mine]);
  await ring.retire(old);
  assert.equal(ring.pins, [identity.pin]);
  // The last one that the ring signed bridges the time until then.
  assert.is((await fetched(ring, time(), [mine])).body, before.body);
  await ring.importSigned(await signConfiguration(await ring.configurationToSign(subject), [identity]));
  assert.ok((await fetched(ring, time(), [identity.pin])).payload.seq > before.payload.seq);
});

test.run();
