// A key that was stolen is taken out at once, in every process.
import { signConfiguration } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, sleep } from '../../../test/support/cases.ts';
import { newIdentity } from '../../../test/support/configurations.ts';
import { thrown } from '../../../test/support/problems.ts';
import {
  day,
  fetched,
  idOf,
  newRing,
  openRing,
  recordingAudit,
  shakeHands,
  subject,
} from './support/rings.ts';

it('another key is published and used at once, the old one refused, in every process', async () => {
  const audit = recordingAudit();
  const { ring, storage, time } = await newRing({ audit, suites: ['X25519', 'P-256'] });
  const other = await openRing(storage, { clock: time });
  const revoked: string[] = [];
  other.onRevoked(() => {
    throw new Error('a listener that fails');
  });
  other.onRevoked((kid) => revoked.push(`other ${kid}`));
  ring.onRevoked((kid) => revoked.push(`this ${kid}`));
  const stolen = idOf(ring, 'active');
  const kept = idOf(ring, 'active', 'P-256');
  const held = await fetched(other, time());
  await ring.emergency(stolen);
  await sleep(5);
  assert.equal(revoked.sort(), [`other ${stolen}`, `this ${stolen}`]);
  const next = idOf(ring, 'active');
  for (const each of [ring, other]) {
    assert.is(await each.findKey(stolen), undefined);
    const { payload } = await fetched(each, time());
    assert.ok(payload.seq > held.payload.seq);
    assert.equal(
      payload.keys.map(({ kid }) => kid),
      [next, kept],
    );
    assert.is(await shakeHands(held, each, time(), 'X25519'), 'unknown-key');
    assert.is(await shakeHands(held, each, time(), 'P-256'), kept);
    assert.is(await shakeHands(await fetched(each, time()), each, time()), next);
  }
  const disabled = audit.events.filter(({ type }) => type === 'key.disabled');
  assert.equal(
    disabled.map((event) => 'reason' in event && event.reason),
    ['emergency'],
  );
});

it('a process that was not there learns of it later', async () => {
  const { ring, storage, time } = await newRing();
  const stolen = idOf(ring, 'active');
  await ring.emergency(stolen);
  const revoked: string[] = [];
  const later = await openRing(storage, { clock: time });
  later.onRevoked((kid) => revoked.push(kid));
  assert.equal(revoked, [stolen]);
  await later.rotate();
  await later.add({ purpose: 'kem', suite: 'X25519' });
  assert.equal(revoked, [stolen]);
});

it('also a key that is not active is taken out, without a new one; and its secret is erased in the end', async () => {
  const { ring, storage, time } = await newRing();
  const [one, two] = [idOf(ring, 'active'), (await ring.add({ purpose: 'kem', suite: 'X25519' })).id];
  time.pass(day);
  await ring.promote(two);
  await ring.retire(one);
  const pending = (await ring.add({ purpose: 'kem', suite: 'X25519' })).id;
  const count = ring.entries.length;
  for (const id of [one, pending]) {
    await ring.emergency(id);
    assert.is(await ring.findKey(id), undefined);
  }
  assert.is(ring.entries.length, count);
  assert.is(idOf(ring, 'active'), two);
  time.pass(day);
  await ring.rotate();
  for (const entry of ring.entries.filter(({ id }) => id === one || id === pending)) {
    assert.is(entry.status, 'destroyed');
    await thrown(storage.secret(entry), 'keys-invalid');
  }
  // That it was stolen may be found out when it is long gone.
  await ring.emergency(one);
});

it('of a key that was stolen together with its successor, neither stays', async () => {
  const { ring, time } = await newRing();
  const old = idOf(ring, 'active');
  const pending = (await ring.add({ purpose: 'kem', suite: 'X25519' })).id;
  await ring.emergency(old);
  await ring.emergency(pending);
  const { payload } = await fetched(ring, time());
  assert.equal(
    payload.keys.map(({ kid }) => kid),
    [idOf(ring, 'active')],
  );
  assert.not.ok([old, pending].includes(idOf(ring, 'active')));
});

it('a stolen identity goes only when clients can know another one', async () => {
  const { ring, time } = await newRing();
  const [stolen, pin] = [idOf(ring, 'active', 'Ed25519'), ring.pins[0] as string];
  assert.match((await thrown(ring.emergency(stolen), 'key-state')).message, 'another identity first');
  const { id } = await ring.add({ purpose: 'identity' });
  await ring.promote(id);
  const revoked: string[] = [];
  ring.onRevoked((kid) => revoked.push(kid));
  await ring.emergency(stolen);
  // Sessions do not depend on it.
  assert.equal(revoked, []);
  await thrown(fetched(ring, time(), [pin]), 'identity-mismatch');
  await fetched(ring, time(), [ring.exportPublic(id).pin as string]);
});

it('a key that wraps sessions in a store is replaced, and opens none any more', async () => {
  const { ring } = await newRing();
  const { id } = await ring.add({ purpose: 'store-wrap' });
  await ring.promote(id);
  await ring.emergency(id);
  assert.is(await ring.symmetricKey('store-wrap', id), undefined);
  const next = await ring.symmetricKey('store-wrap');
  assert.ok(next !== undefined && next.id !== id);
});

it('with an identity elsewhere the other suites go on until it has signed', async () => {
  const identity = await newIdentity();
  const { ring, time } = await newRing({ identity: identity.pin, suites: ['X25519', 'P-256'] });
  const sign = async () =>
    ring.importSigned(await signConfiguration(await ring.configurationToSign(subject), [identity]));
  await sign();
  await ring.emergency(idOf(ring, 'active'));
  assert.is(await shakeHands(await fetched(ring, time()), ring, time(), 'X25519'), 'unknown-key');
  assert.is((await shakeHands(await fetched(ring, time()), ring, time(), 'P-256')).length, 43);
  await sign();
  assert.is(await shakeHands(await fetched(ring, time()), ring, time(), 'X25519'), idOf(ring, 'active'));
});

test.run();
