import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemorySessionStore } from '../src/memory-store.ts';
import { maxExchanges, windowSize } from '../src/session-store.ts';
import { now, sessionInfo } from './support/store.ts';

// The window of exchange numbers, against a set that forgets nothing.

class NaiveWindow {
  readonly #seen = new Set<number>();
  #highest = -1;

  accept(n: number): 'accepted' | 'replayed' {
    if (n <= this.#highest - windowSize || this.#seen.has(n)) return 'replayed';
    this.#seen.add(n);
    this.#highest = Math.max(this.#highest, n);
    return 'accepted';
  }
}

function storeWith(...sids: string[]): MemorySessionStore {
  const store = new MemorySessionStore({ maxSessions: 1000 });
  for (const sid of sids) store.create(sid, sessionInfo(), new Uint8Array(64).fill(1), now);
  return store;
}

function assertLikeNaive(numbers: readonly number[]): void {
  const store = storeWith('a');
  const naive = new NaiveWindow();
  for (const [i, n] of numbers.entries())
    assert.is(store.accept('a', n, now), naive.accept(n), `number ${i}: ${n}`);
  store.end('a', now);
}

test('1,024 numbers are told apart', () => assert.is(windowSize, 1024));

test('any numbers in any order are accepted as by a set that forgets nothing', () => {
  const far = fc.integer({ min: 0, max: maxExchanges - 1 });
  fc.assert(
    fc.property(
      fc.array(fc.oneof(far, fc.integer({ min: 0, max: 3000 })), { maxLength: 100 }),
      assertLikeNaive,
    ),
    { numRuns: 200 },
  );
});

test('numbers close together are accepted as by a set that forgets nothing', () => {
  // Steps to both sides of where the client is, as concurrent requests and late ones make them.
  const step = fc.oneof(
    fc.constant(1),
    fc.integer({ min: -5, max: 5 }),
    fc.integer({ min: -1100, max: 40 }),
    fc.constantFrom(31, 32, 33, 63, 64, 1022, 1023, 1024, 1025, 2047, 2048, 2049, -1023, -1024, -1025),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5000 }),
      fc.array(step, { minLength: 1, maxLength: 300 }),
      (start, steps) => {
        let at = start;
        const numbers = steps.map((by) => {
          at = Math.min(maxExchanges - 1, Math.max(0, at + by));
          return at;
        });
        assertLikeNaive([start, ...numbers]);
      },
    ),
    { numRuns: 300 },
  );
});

test('numbers that were left out are accepted later, however often the window has turned', () => {
  const dense = Array.from({ length: 1500 }, (_, n) => n);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 60 }), (jumps) => {
      const late: number[] = [];
      let at = dense.length - 1;
      for (const jump of jumps) {
        for (let n = at + 1; n < at + jump; n++) late.push(n);
        at += jump;
      }
      const ahead = jumps.map((_, i) => dense.length - 1 + jumps.slice(0, i + 1).reduce((a, b) => a + b, 0));
      assertLikeNaive([...dense, ...ahead, ...late.reverse(), ...ahead, ...late]);
    }),
    { numRuns: 60 },
  );
});

test('at the edges of the window a number is accepted once or never', () => {
  for (const first of [0, 1, 31, 32, 1022, 1023, 1024, 1025, 5000, maxExchanges - 1 - 3000]) {
    for (const jump of [1, 31, 32, 1022, 1023, 1024, 1025, 2048, 2999]) {
      const high = first + jump;
      const below = [high - 1024, high - 1023, high - 1022, high - 1, first];
      assertLikeNaive([first, high, high, ...below.filter((n) => n >= 0), ...below.filter((n) => n >= 0)]);
    }
  }
});

test('every number in a row is accepted once, over many turns of the window', () => {
  const store = storeWith('a');
  for (let n = 0; n < 5000; n++) {
    assert.is(store.accept('a', n, now), 'accepted');
    assert.is(store.accept('a', n, now), 'replayed');
  }
  for (let n = 0; n < 5000; n++) assert.is(store.accept('a', n, now), 'replayed');
});

test('the last number of a session is accepted once', () => {
  const store = storeWith('a');
  assert.is(store.accept('a', maxExchanges - 1, now), 'accepted');
  assert.is(store.accept('a', maxExchanges - 1, now), 'replayed');
  assert.is(store.accept('a', maxExchanges - 1024, now), 'accepted');
  assert.is(store.accept('a', maxExchanges - 1025, now), 'replayed');
});

test('sessions have windows of their own, and a slot that is used again has a new one', () => {
  const store = storeWith('a', 'b', 'c');
  for (const sid of ['a', 'b', 'c']) {
    for (const n of [0, 5, 700, 1023]) assert.is(store.accept(sid, n, now), 'accepted', sid);
  }
  store.end('b', now);
  assert.is(store.accept('b', 1, now), 'unknown');
  store.create('d', sessionInfo(), new Uint8Array(64).fill(1), now);
  for (const n of [0, 5, 700, 1023]) {
    assert.is(store.accept('d', n, now), 'accepted');
    assert.is(store.accept('a', n, now), 'replayed');
    assert.is(store.accept('c', n, now), 'replayed');
  }
});

test('accepting many at a time says accepted exactly once for each number', async () => {
  const store = storeWith('a');
  const attempts = Array.from({ length: 50 }, (_, n) => [n, n, n]).flat();
  const answers = await Promise.all(attempts.map(async (n) => store.accept('a', n, now)));
  assert.is(answers.filter((answer) => answer === 'accepted').length, 50);
  assert.is(answers.filter((answer) => answer === 'replayed').length, 100);
});

test.run();
