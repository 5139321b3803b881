import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemorySessionStore } from '../src/memory-store.ts';
import { SessionSlab } from '../src/session-slab.ts';
import { hour, now, sessionInfo } from './support/store.ts';
import { toHex } from './support/vectors.ts';

const secret = (byte: number) => new Uint8Array(64).fill(byte);
const key = (byte: number) => new Uint8Array(32).fill(byte);
const zeros = toHex(new Uint8Array(64));
const take = (slab: SessionSlab, byte: number, at = now) =>
  slab.take(secret(byte), key(byte), at + hour, hour / 2, at);

test('a slot holds a copy of its secret, where it lies', () => {
  const slab = new SessionSlab();
  const given = secret(7);
  const slot = slab.take(given, key(7), now + hour, hour / 2, now);
  given.fill(0);
  assert.is(toHex(slab.secret(slot)), toHex(secret(7)));
  assert.is(slab.secret(slot).buffer, slab.secret(slot).buffer);
  assert.equal(slab.times(slot), { created: now, expires: now + hour, idle: hour / 2 });
});

test('the secret of a freed slot is zeroed in place', () => {
  const slab = new SessionSlab();
  const slots = [1, 2, 3].map((byte) => take(slab, byte));
  const views = slots.map((slot) => slab.secret(slot));
  slab.free(slots[1] as number);
  assert.equal(views.map(toHex), [toHex(secret(1)), zeros, toHex(secret(3))]);
  slab.free(slots[0] as number);
  slab.free(slots[2] as number);
  assert.equal(views.map(toHex), [zeros, zeros, zeros]);
});

test('a slot whose secret was wiped still tells used numbers, and keeps its repeat key', () => {
  const slab = new SessionSlab();
  const slot = take(slab, 5);
  assert.ok(slab.mark(slot, 3));
  slab.wipeSecret(slot);
  assert.is(toHex(slab.secret(slot)), zeros);
  assert.is(toHex(slab.repeatKey(slot)), toHex(key(5)));
  assert.not.ok(slab.mark(slot, 3));
  assert.ok(slab.mark(slot, 4));
  slab.free(slot);
  assert.is(toHex(slab.repeatKey(slot)), toHex(key(0)));
});

test('a freed slot is used again with nothing of what it held', () => {
  const slab = new SessionSlab();
  const first = take(slab, 1);
  for (const n of [0, 3, 500, 1023, 5000]) assert.ok(slab.mark(first, n));
  slab.free(first);
  const second = slab.take(secret(2), key(2), now + 2 * hour, hour, now + hour);
  assert.is(second, first);
  assert.is(toHex(slab.secret(second)), toHex(secret(2)));
  assert.equal(slab.times(second), { created: now + hour, expires: now + 2 * hour, idle: hour });
  for (const n of [0, 3, 500, 1023]) assert.ok(slab.mark(second, n), `${n}`);
});

test('many slots, taken and freed in any order, stay apart', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat()), { maxLength: 300 }), (steps) => {
      const slab = new SessionSlab();
      const held = new Map<number, number>();
      for (const [i, [free, which]] of steps.entries()) {
        const slot = [...held.keys()][which % Math.max(1, held.size)];
        if (free && slot !== undefined) {
          slab.free(slot);
          held.delete(slot);
        } else {
          const taken = take(slab, i % 255);
          assert.not.ok(held.has(taken));
          held.set(taken, i % 255);
        }
      }
      for (const [slot, byte] of held) assert.is(toHex(slab.secret(slot)), toHex(secret(byte)));
    }),
  );
});

test('slots beyond the first thousands are like the first', () => {
  const slab = new SessionSlab();
  const slots = Array.from({ length: 5000 }, (_, i) => take(slab, i % 251));
  assert.is(new Set(slots).size, 5000);
  for (const i of [0, 1, 1023, 1024, 1025, 2047, 2048, 4999]) {
    assert.is(toHex(slab.secret(slots[i] as number)), toHex(secret(i % 251)));
    assert.ok(slab.mark(slots[i] as number, 9));
    assert.not.ok(slab.mark(slots[i] as number, 9));
  }
});

test('a slot is over by age or by rest', () => {
  const slab = new SessionSlab();
  const slot = take(slab, 1);
  for (const [time, over] of [
    [now, false],
    [now + hour / 2 - 1, false],
    [now + hour / 2, true],
    [now + hour, true],
  ] as const) {
    assert.is(slab.isOver(slot, time), over);
  }
  slab.touch(slot, now + hour / 2 - 1);
  assert.not.ok(slab.isOver(slot, now + hour / 2));
  assert.ok(slab.isOver(slot, now + hour - 1));
});

test('a session that is over is removed though nobody asks for it', async () => {
  const store = new MemorySessionStore();
  for (const [sid, idle] of [
    ['short', 200],
    ['long', hour],
  ] as const) {
    store.create(sid, sessionInfo({ idle }), secret(1), now);
    store.accept(sid, 0, now);
  }
  assert.equal(store.size, { confirmed: 2, halfOpen: 0 });
  // The store looks after one of its sessions a second, here one after the other.
  const deadline = Date.now() + 5000;
  while (store.size.confirmed > 1 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(store.size, { confirmed: 1, halfOpen: 0 });
  assert.ok(await store.load('long', now));
});

test.run();
