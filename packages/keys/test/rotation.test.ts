// Keys are replaced on a schedule, by whichever process comes first, and no client notices.
import type { ServerKeys } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, sleep } from '../../../test/support/cases.ts';
import { thrown } from '../../../test/support/problems.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { KeyRing, memoryStorage } from '../src/index.ts';
import {
  day,
  fetched,
  hour,
  idOf,
  minute,
  newRing,
  openRing,
  recordingAudit,
  second,
  shakeHands,
} from './support/rings.ts';

const noJitter = { jitter: 0 };

function statuses(ring: KeyRing, alg = 'X25519'): string {
  return ring.entries
    .filter((entry) => entry.alg === alg)
    .map(({ status }) => status)
    .join(' ');
}

it('a key is replaced after 30 days: an hour published, 25 hours accepted, a day kept', async () => {
  const { ring, time } = await newRing({ rotation: noJitter });
  const steps: [number, string][] = [
    [30 * day - 1, 'active'],
    [1, 'active pending'],
    [hour - 1, 'active pending'],
    [1, 'retiring active'],
    [25 * hour - 1, 'retiring active'],
    [1, 'disabled active'],
    [day - 1, 'disabled active'],
    [1, 'destroyed active'],
    [366 * day, 'active pending'],
  ];
  for (const [passing, expected] of steps) {
    time.pass(passing);
    await ring.rotate();
    assert.is(statuses(ring), expected);
    // Once more changes nothing.
    const { entries } = ring;
    await ring.rotate();
    assert.is(ring.entries, entries);
  }
});

it('keys that follow one another each hour make no list that grows for ever', async () => {
  const rotation = { maxAge: hour, publishLead: 5 * minute, keepHistory: 0, jitter: 0 };
  const { ring, time } = await newRing({ rotation });
  const first = idOf(ring, 'active');
  const counts: number[] = [];
  for (let rotations = 0; rotations < 250; rotations++) {
    for (const passing of [hour, 5 * minute]) {
      time.pass(passing);
      await ring.rotate();
    }
    counts.push(ring.entries.length);
    // Destroyed after 26 hours, it is remembered for longer than a session of it could live.
    if (time() < 1_800_000_000_000 + 3 * day) assert.is(ring.exportPublic(first).id, first);
  }
  assert.is(counts.at(-1), counts[199]);
  assert.is(ring.entries.filter(({ status }) => status === 'destroyed').length, 100);
});

it('what becomes of a key next can be asked: it is due then, and not before', async () => {
  const { ring, time } = await newRing({ rotation: noJitter });
  const [identity] = ring.entries.filter(({ purpose }) => purpose === 'identity');
  assert.is(ring.nextStep(identity?.id as string), undefined);
  const id = idOf(ring, 'active');
  for (const expected of ['add', 'disable', 'destroy', 'forget']) {
    const { step, from } = ring.nextStep(id) as { step: string; from: number };
    assert.is(step, expected);
    time.pass(from - time() - 1);
    await ring.rotate();
    assert.equal(ring.nextStep(id), { step, from });
    time.pass(1);
    await ring.rotate();
    if (expected !== 'add') continue;
    const added = idOf(ring, 'pending');
    // In the meantime it is the successor that has a step to take.
    assert.is(ring.nextStep(id), undefined);
    const next = ring.nextStep(added) as { step: string; from: number };
    assert.is(next.step, 'promote');
    time.pass(next.from - time());
    await ring.rotate();
  }
  await thrown(
    Promise.resolve().then(() => ring.nextStep(id)),
    'key-state',
  );
});

it('keys of one age are not all replaced at once, but by every process at the same time', async () => {
  const rings = [];
  for (let i = 0; i < 8; i++) rings.push(await newRing({ suites: ['X25519'] }));
  const days: number[] = [];
  for (const { ring, storage, time } of rings) {
    const other = await openRing(storage, { clock: time });
    for (let passed = 0; statuses(ring) === 'active'; passed++) {
      time.pass(hour);
      await other.rotate();
      if (statuses(other) !== 'active') days.push(passed / 24);
      await ring.rotate();
      assert.is(statuses(ring), statuses(other));
    }
  }
  assert.ok(
    days.every((age) => age >= 26.9 && age <= 30),
    String(days),
  );
  assert.ok(new Set(days).size > 1);
});

it('processes that notice at once make one new key together', async () => {
  const { ring, storage, time } = await newRing({ suites: ['X25519', 'P-256'], rotation: noJitter });
  const others = [];
  for (let i = 0; i < 4; i++) others.push(await openRing(storage, { clock: time, rotation: noJitter }));
  const rings = [ring, ...others];
  for (const [passing, expected] of [
    [30 * day, 'active pending'],
    [hour, 'retiring active'],
    [25 * hour, 'disabled active'],
  ] as const) {
    time.pass(passing);
    await Promise.all(rings.map((each) => each.rotate()));
    for (const each of rings) {
      assert.is(statuses(each), expected);
      assert.is(statuses(each, 'P-256'), expected);
    }
  }
});

it('handshakes make a key due, but no flood of them sooner than lead and overlap have passed', async () => {
  const rotation = { ...noJitter, maxHandshakes: 1000 };
  const { ring, time } = await newRing({ rotation });
  const use = async (keys: ServerKeys, kid: string, times: number) => {
    for (let i = 0; i < times; i++) await keys.findKey(kid);
  };
  await use(ring, idOf(ring, 'active'), 9);
  await ring.rotate();
  // Too few to be written down.
  assert.is(ring.entries[0]?.handshakes, undefined);
  await use(ring, idOf(ring, 'active'), 500);
  await ring.rotate();
  await ring.rotate();
  assert.is(ring.entries[0]?.handshakes, 509);
  time.pass(26 * hour - 1);
  await use(ring, idOf(ring, 'active'), 100_000);
  await ring.rotate();
  assert.is(statuses(ring), 'active');
  time.pass(1);
  await ring.rotate();
  assert.is(statuses(ring), 'active pending');
  time.pass(hour);
  await ring.rotate();
  // The flood goes on: the new key is not due before the same time has passed again.
  const next = idOf(ring, 'active');
  await use(ring, next, 100_000);
  time.pass(26 * hour - 1);
  await ring.rotate();
  assert.is(idOf(ring, 'active'), next);
  assert.not.ok(statuses(ring).includes('pending'));
});

it('handshakes that could not be written down are counted the next time', async () => {
  let room = true;
  const audit = {
    record() {},
    flush: () => (room ? Promise.resolve() : Promise.reject(new Error('the disk is full'))),
  };
  const { ring, time } = await newRing({ rotation: { ...noJitter, maxHandshakes: 10 }, audit });
  time.pass(26 * hour);
  for (let i = 0; i < 10; i++) await ring.findKey(idOf(ring, 'active'));
  room = false;
  for (let i = 0; i < 3; i++) await thrown(ring.rotate(), 'audit-failed');
  assert.is(statuses(ring), 'active');
  room = true;
  await ring.rotate();
  assert.is(statuses(ring), 'active pending');
  assert.is(ring.entries[0]?.handshakes, 10);
});

it('handshakes of all processes count together; guesses of key ids do not', async () => {
  const rotation = { maxHandshakes: 100 };
  const { ring, storage, time } = await newRing({ rotation });
  const other = await openRing(storage, { clock: time, rotation });
  const kid = idOf(ring, 'active');
  for (const each of [ring, other]) {
    for (let i = 0; i < 30; i++) assert.is((await each.findKey(kid))?.kid, kid);
    await Promise.all(Array.from({ length: 50 }, () => each.findKey('A'.repeat(43))));
    await each.rotate();
  }
  assert.is(other.entries[0]?.handshakes, 60);
});

it('keys that sessions in a store are wrapped under change daily, and are gone 25 hours after their retirement', async () => {
  const { ring, storage, time } = await newRing();
  const { id } = await ring.add({ purpose: 'store-wrap' });
  await ring.rotate();
  const first = await ring.symmetricKey('store-wrap');
  assert.is(first?.id, id);
  assert.is(first?.key.symmetricKeySize, 32);
  time.pass(day);
  await ring.rotate();
  assert.is((await ring.symmetricKey('store-wrap'))?.id, id);
  time.pass(5 * minute);
  await ring.rotate();
  const next = await ring.symmetricKey('store-wrap');
  assert.is.not(next?.id, id);
  time.pass(25 * hour - 1);
  await ring.rotate();
  const old = await ring.symmetricKey('store-wrap', id);
  assert.ok(old?.key.equals(first?.key as typeof old.key));
  time.pass(1);
  await ring.rotate();
  assert.is(await ring.symmetricKey('store-wrap', id), undefined);
  assert.is(ring.exportPublic(id).status, 'destroyed');
  const entry = ring.entries.find((each) => each.id === id);
  assert.ok(entry);
  await thrown(storage.secret(entry), 'keys-invalid');
});

it('neither an identity nor a key of the audit log changes by itself', async () => {
  const { ring, time } = await newRing();
  const { id } = await ring.add({ purpose: 'audit' });
  await ring.promote(id);
  const extra = await ring.add({ purpose: 'identity' });
  for (let month = 0; month < 24; month++) {
    time.pass(30 * day);
    await ring.rotate();
  }
  assert.is((await ring.symmetricKey('audit'))?.id, id);
  assert.is(statuses(ring, 'Ed25519'), 'active pending');
  assert.is(idOf(ring, 'pending', 'Ed25519'), extra.id);
});

/** Rotates for a while, step by step, with a client that comes at each step, and all that came before it. */
async function rotateWithClients(
  rotation: { maxAge: number; publishLead: number; overlap: number; keepHistory: number; jitter: number },
  step: number,
  steps: number,
  rings: number,
) {
  const audit = recordingAudit();
  const { ring, storage, time } = await newRing({ rotation, audit });
  const servers = [ring];
  while (servers.length < rings) servers.push(await openRing(storage, { clock: time, rotation, audit }));
  let held: Awaited<ReturnType<typeof fetched>>[] = [];
  const used = new Set<string>();
  for (let i = 0; i < steps; i++) {
    const server = servers[i % rings] as KeyRing;
    await server.rotate();
    const newest = await fetched(server, time());
    if (held.every(({ body }) => body !== newest.body)) held.push(newest);
    // A client uses what it holds until it expires, and asks any server.
    held = held.filter(({ payload }) => time() < payload.exp);
    for (const [j, configuration] of held.entries()) {
      const kid = await shakeHands(configuration, servers[(i + j) % rings] as KeyRing, time());
      assert.is(kid.length, 43, `step ${i}, configuration of step ${i - held.length + 1 + j}: ${kid}`);
      used.add(kid);
    }
    time.pass(step);
  }
  return { used: used.size, ended: audit.events.filter(({ type }) => type === 'key.destroyed').length };
}

it('no client fails at any point of a rotation, as long as its configuration is valid', async () => {
  const short = { maxAge: 20, publishLead: 10, overlap: 20, keepHistory: 5, jitter: 0.1 };
  const { used, ended } = await rotateWithClients(short, 1, 250, 1);
  assert.ok(used >= 8 && ended >= 5, `${used} keys were used, ${ended} destroyed`);
});

it('nor with three servers, keys that live shorter than their overlap, and the default overlap', async () => {
  const one = await rotateWithClients(
    { maxAge: 8, publishLead: 5, overlap: 60, keepHistory: 0, jitter: 0 },
    3,
    80,
    3,
  );
  assert.ok(one.used >= 8 && one.ended >= 4, `${one.used} keys were used, ${one.ended} destroyed`);
  const usual = { maxAge: 5 * day, publishLead: hour, overlap: 25 * hour, keepHistory: day, jitter: 0.1 };
  const two = await rotateWithClients(usual, 4 * hour, 120, 3);
  assert.ok(two.used >= 4 && two.ended >= 2, `${two.used} keys were used, ${two.ended} destroyed`);
});

it('a server by itself rotates when it is time, and stops when it is closed', async () => {
  const storage = memoryStorage();
  const rotation = { maxAge: 60, publishLead: 40, overlap: 80, keepHistory: 0, jitter: 0 };
  const ring = await KeyRing.create(storage, { suites: ['X25519'], rotation });
  afterwards(() => ring.close());
  ring.start();
  ring.start();
  while (!statuses(ring).includes('destroyed')) await sleep(10);
  ring.close();
  await sleep(150);
  const { entries } = ring;
  await sleep(150);
  assert.is(ring.entries, entries);
});

it('a key that another process made a moment ago is found, and a flood of guesses reads four times a second', async () => {
  const { ring, storage, time } = await newRing();
  let reads = 0;
  // Nobody tells this process of changes.
  const deaf = Object.create(storage, {
    read: {
      value: () => {
        reads++;
        return storage.read();
      },
    },
    secret: { value: storage.secret.bind(storage) },
    watch: { value: () => () => {} },
  });
  const other = await openRing(deaf, { clock: time });
  reads = 0;
  const began = performance.now();
  for (let round = 0; round < 3; round++) {
    await ring.emergency(idOf(ring, 'active'));
    const kid = idOf(ring, 'active');
    const guesses = Array.from({ length: 2000 }, (_, i) => other.findKey(String(i).padStart(43, 'A')));
    assert.is((await other.findKey(kid))?.kid, kid);
    for (const guess of guesses) assert.is(await guess, undefined);
    for (let i = 0; i < 3; i++) await other.findKey(String(i).padStart(43, 'B'));
  }
  assert.ok(reads >= 12, `${reads} readings`);
  assert.ok(reads <= 2 + (4 * (performance.now() - began)) / second, `${reads} readings`);
});

test.run();
