import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hmacSha512, importMaster } from '#crypto';
import { MemorySessionStore } from '../src/memory-store.ts';
import { refusalCodeSync } from './support/refusal.ts';
import { hour, minute, now, sessionInfo } from './support/store.ts';
import { toHex } from './support/vectors.ts';

const secret = (byte: number) => new Uint8Array(64).fill(byte);
const other = secret(0);
const create = (store: MemorySessionStore, sid: string, at = now, changes = {}) =>
  store.create(sid, sessionInfo(changes), other, at);

function confirm(store: MemorySessionStore, sid: string, at = now): void {
  assert.ok(create(store, sid, at));
  assert.is(store.accept(sid, 0, at), 'accepted');
}

test('a session is loaded as it was created', async () => {
  const store = new MemorySessionStore();
  const info = sessionInfo({ client: 'thumbprint', suite: 'P-256', kid: 'another' });
  const master = secret(7);
  assert.ok(store.create('a', info, master, now));
  const session = await store.load('a', now);
  assert.ok(session);
  const { master: key, ...rest } = session;
  assert.equal(rest, info);
  const expected = await hmacSha512(await importMaster(secret(7)), other);
  assert.is(toHex(await hmacSha512(key, other)), toHex(expected));
});

test('a store keeps a copy of the secret, the caller may wipe his', async () => {
  const store = new MemorySessionStore();
  const master = secret(7);
  store.create('a', sessionInfo(), master, now);
  master.fill(0);
  const session = await store.load('a', now);
  assert.ok(session);
  const expected = await hmacSha512(await importMaster(secret(7)), other);
  assert.is(toHex(await hmacSha512(session.master, other)), toHex(expected));
});

test('a session that was never created is unknown', async () => {
  const store = new MemorySessionStore();
  create(store, 'a');
  assert.is(store.accept('a', 0, now), 'accepted');
  for (const sid of ['b', '', 'A', '__proto__', 'toString']) {
    assert.is(await store.load(sid, now), undefined);
    assert.is(store.accept(sid, 0, now), 'unknown');
    store.end(sid, now);
  }
  assert.equal(store.size, { confirmed: 1, halfOpen: 0 });
});

for (const [what, which, mine] of [
  ['a client key', { client: 'mine' }, { client: 'mine' }],
  ['a KEM key', { kid: 'mine' }, { kid: 'mine' }],
] as const) {
  test(`the sessions of ${what} are ended together, half-open ones too, and no others`, async () => {
    const store = new MemorySessionStore();
    const others = [{}, { client: 'other' }, { kid: 'other' }, { client: 'mine ' }, { kid: '' }];
    for (const [index, changes] of [...others, mine, mine].entries()) {
      create(store, `confirmed ${index}`, now, changes);
      assert.is(store.accept(`confirmed ${index}`, 5, now), 'accepted');
      create(store, `half-open ${index}`, now, changes);
      await store.load(`confirmed ${index}`, now);
    }
    assert.is(store.revoke(which, now), 4);
    assert.equal(store.size, { confirmed: others.length, halfOpen: others.length });
    for (const index of [others.length, others.length + 1]) {
      for (const sid of [`confirmed ${index}`, `half-open ${index}`]) {
        assert.is(await store.load(sid, now), undefined);
        assert.is(store.accept(sid, 6, now), 'unknown');
      }
      // What may be sent again is still told apart.
      assert.is(store.burn(`confirmed ${index}`, 5, now), 'replayed');
      assert.is(store.burn(`confirmed ${index}`, 6, now), 'burned');
    }
    for (const index of others.keys()) assert.ok(await store.load(`confirmed ${index}`, now));
    assert.is(store.revoke(which, now), 0);
  });
}

test('a revoked client may have as many sessions as there are', () => {
  const store = new MemorySessionStore({ maxSessions: 50_000 });
  for (let i = 0; i < 45_000; i++) {
    create(store, String(i), now, { client: i % 2 === 0 ? 'mine' : 'other' });
    store.accept(String(i), 0, now);
  }
  assert.is(store.revoke({ client: 'mine' }, now), 22_500);
  assert.equal(store.size, { confirmed: 22_500, halfOpen: 0 });
  assert.is(store.revoke({ client: 'other' }, now), 22_500);
});

test('a session is half-open until its first accepted exchange', () => {
  const store = new MemorySessionStore();
  create(store, 'a');
  create(store, 'b');
  assert.equal(store.size, { confirmed: 0, halfOpen: 2 });
  store.load('a', now);
  assert.equal(store.size, { confirmed: 0, halfOpen: 2 });
  assert.is(store.accept('a', 3, now), 'accepted');
  assert.equal(store.size, { confirmed: 1, halfOpen: 1 });
  assert.is(store.accept('a', 4, now), 'accepted');
  assert.equal(store.size, { confirmed: 1, halfOpen: 1 });
});

test('a half-open session lives 60 seconds, a confirmed one longer', async () => {
  for (const [age, alive] of [
    [0, true],
    [minute - 1, true],
    [minute, false],
    [hour, false],
  ] as const) {
    const store = new MemorySessionStore();
    create(store, 'a');
    assert.is((await store.load('a', now + age)) !== undefined, alive, `${age} ms`);
    assert.is(store.accept('a', 0, now + age), alive ? 'accepted' : 'unknown', `${age} ms`);
    assert.equal(store.size, { confirmed: alive ? 1 : 0, halfOpen: 0 });
  }
  const store = new MemorySessionStore();
  confirm(store, 'b');
  assert.ok(await store.load('b', now + 10 * minute));
});

test('a session ends when it has rested for too long; only an accepted exchange counts as use', async () => {
  const store = new MemorySessionStore();
  confirm(store, 'a');
  assert.is(store.accept('a', 1, now + 40 * minute), 'accepted');
  assert.is(store.accept('a', 2, now + 95 * minute), 'accepted');
  assert.is(store.accept('a', 2, now + 120 * minute), 'replayed');
  assert.ok(await store.load('a', now + 150 * minute));
  assert.ok(await store.load('a', now + 155 * minute - 1));
  assert.is(await store.load('a', now + 155 * minute), undefined);
  assert.is(store.accept('a', 3, now + 155 * minute), 'unknown');
  assert.equal(store.size, { confirmed: 0, halfOpen: 0 });
});

test('a session ends by age however much it is used', () => {
  const store = new MemorySessionStore();
  create(store, 'a', now, { expires: now + 2 * hour });
  for (let i = 0; i * 30 * minute < 2 * hour; i++) {
    assert.is(store.accept('a', i, now + i * 30 * minute), 'accepted');
  }
  assert.is(store.accept('a', 100, now + 2 * hour - 1), 'accepted');
  assert.is(store.accept('a', 101, now + 2 * hour), 'unknown');
});

test('a session that was ended is unknown at once and does not come back', async () => {
  const store = new MemorySessionStore();
  confirm(store, 'a');
  create(store, 'b');
  assert.ok(await store.load('a', now));
  for (const sid of ['a', 'b', 'a']) store.end(sid, now);
  for (const sid of ['a', 'b']) {
    assert.is(await store.load(sid, now), undefined);
    assert.is(store.accept(sid, 9, now), 'unknown');
  }
  assert.equal(store.size, { confirmed: 0, halfOpen: 0 });
});

test('a session that takes the place of an ended one has its own secret', async () => {
  const store = new MemorySessionStore();
  for (const byte of [1, 2, 3]) {
    store.create('a', sessionInfo(), secret(byte), now);
    const session = await store.load('a', now);
    assert.ok(session);
    const expected = await hmacSha512(await importMaster(secret(byte)), other);
    assert.is(toHex(await hmacSha512(session.master, other)), toHex(expected));
    store.end('a', now);
  }
});

test('sessions that ended leave nothing behind', () => {
  const store = new MemorySessionStore();
  const before = process.memoryUsage().arrayBuffers;
  // 64 bytes of secret, 32 of repeat key and 128 of window each: were they kept, they would be 8 MiB.
  for (let i = 0; i < 40_000; i++) {
    const at = now + i * 1000;
    create(store, `s${i}`, at);
    if (i % 2 === 0) store.accept(`s${i}`, 0, at);
    store.end(`s${i}`, at);
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 21);
  assert.equal(store.size, { confirmed: 0, halfOpen: 0 });
});

test('half-open sessions have a pool of a tenth; a newcomer pushes out the oldest newcomer', async () => {
  const store = new MemorySessionStore({ maxSessions: 100 });
  for (let i = 0; i < 10; i++) assert.ok(create(store, `s${i}`, now + i));
  assert.equal(store.size, { confirmed: 0, halfOpen: 10 });
  for (let i = 10; i < 13; i++) assert.ok(create(store, `s${i}`, now + i));
  assert.equal(store.size, { confirmed: 0, halfOpen: 10 });
  for (let i = 0; i < 13; i++) {
    assert.is((await store.load(`s${i}`, now + 20)) !== undefined, i >= 3, `s${i}`);
  }
});

test('a flood of handshakes pushes out no session that is in use', async () => {
  const store = new MemorySessionStore({ maxSessions: 100 });
  const inUse = Array.from({ length: 80 }, (_, i) => `used${i}`);
  for (const sid of inUse) confirm(store, sid);
  for (let i = 0; i < 1000; i++) assert.ok(create(store, `flood${i}`));
  assert.equal(store.size, { confirmed: 80, halfOpen: 10 });
  for (const sid of inUse) assert.ok(await store.load(sid, now));
});

test('a store full of sessions in use takes no more, until one has ended', () => {
  const store = new MemorySessionStore({ maxSessions: 100 });
  for (let i = 0; i < 90; i++) confirm(store, `used${i}`);
  assert.not.ok(create(store, 'more'));
  assert.not.ok(create(store, 'more'));
  assert.equal(store.size, { confirmed: 90, halfOpen: 0 });
  store.end('used17', now);
  assert.ok(create(store, 'more'));
  assert.is(store.accept('more', 0, now), 'accepted');
  assert.not.ok(create(store, 'again'));
});

test('half-open sessions that were let in may all be confirmed, and the bound holds', () => {
  const store = new MemorySessionStore({ maxSessions: 100 });
  for (let i = 0; i < 89; i++) confirm(store, `used${i}`);
  for (let i = 0; i < 10; i++) assert.ok(create(store, `new${i}`));
  for (let i = 0; i < 10; i++) assert.is(store.accept(`new${i}`, 0, now), 'accepted');
  assert.equal(store.size, { confirmed: 99, halfOpen: 0 });
  assert.not.ok(create(store, 'more'));
});

test('whatever happens, there are never more sessions than allowed', () => {
  const sid = fc.integer({ min: 0, max: 60 }).map(String);
  const action = fc.oneof(
    fc.record({ do: fc.constant('create' as const), sid }),
    fc.record({ do: fc.constant('accept' as const), sid }),
    fc.record({ do: fc.constant('end' as const), sid }),
    fc.record({ do: fc.constant('wait' as const), sid: fc.integer({ min: 1, max: 90_000 }).map(String) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const store = new MemorySessionStore({ maxSessions: 20 });
      let time = now;
      let n = 0;
      const created = new Set<string>();
      for (const each of actions) {
        if (each.do === 'wait') time += Number(each.sid);
        else if (each.do === 'end') store.end(each.sid, time);
        else if (each.do === 'accept') store.accept(each.sid, n++, time);
        else if (!created.has(each.sid)) {
          // A session id is random and never given twice.
          created.add(each.sid);
          create(store, each.sid, time);
        }
        assert.ok(store.size.confirmed + store.size.halfOpen <= 20);
        assert.ok(store.size.halfOpen <= 2);
      }
    }),
    { numRuns: 300 },
  );
});

test('a hello is claimed once within 10 minutes', () => {
  const store = new MemorySessionStore();
  assert.ok(store.claimHello('a', now));
  assert.not.ok(store.claimHello('a', now));
  assert.ok(store.claimHello('b', now + 1));
  assert.not.ok(store.claimHello('a', now + 10 * minute - 1));
  assert.ok(store.claimHello('a', now + 10 * minute));
  assert.not.ok(store.claimHello('a', now + 10 * minute));
  assert.not.ok(store.claimHello('b', now + 10 * minute));
});

test('hellos take no more room than sessions: the oldest are forgotten first', () => {
  const store = new MemorySessionStore({ maxSessions: 100 });
  for (let i = 0; i < 1000; i++) assert.ok(store.claimHello(`h${i}`, now + i));
  for (let i = 901; i < 1000; i++) assert.not.ok(store.claimHello(`h${i}`, now + 1000), `h${i}`);
  assert.ok(store.claimHello('h0', now + 1000));
});

test('a hello that is refused makes the store forget no other', () => {
  const store = new MemorySessionStore({ maxSessions: 10 });
  for (let i = 0; i < 10; i++) assert.ok(store.claimHello(`h${i}`, now));
  for (let turn = 0; turn < 3; turn++) {
    for (let i = 9; i >= 0; i--) assert.not.ok(store.claimHello(`h${i}`, now), `h${i}`);
  }
});

test('many sessions at a time keep their own secrets', async () => {
  const store = new MemorySessionStore();
  const master = (i: number) => new Uint8Array(64).map((_, at) => (i >> ((at % 4) << 3)) & 0xff);
  const count = 6000;
  for (let i = 0; i < count; i++) {
    store.create(`s${i}`, sessionInfo(), master(i), now);
    store.accept(`s${i}`, 0, now);
  }
  for (let turn = 0; turn < 2; turn++) {
    for (let i = 0; i < count; i += 1 + turn * 97) {
      const session = await store.load(`s${i}`, now);
      assert.ok(session);
      const expected = await hmacSha512(await importMaster(master(i)), other);
      assert.is(toHex(await hmacSha512(session.master, other)), toHex(expected), `s${i}`);
    }
  }
});

test('a size that makes no sense is refused', () => {
  for (const maxSessions of [10, 11, 1_000_000]) assert.ok(new MemorySessionStore({ maxSessions }));
  for (const maxSessions of [
    0,
    1,
    9,
    -10,
    10.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '100' as unknown as number,
  ]) {
    assert.is(
      refusalCodeSync(() => new MemorySessionStore({ maxSessions })),
      'invalid-option',
      `${maxSessions}`,
    );
  }
});

test.run();
