import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deferred } from '../../../test/support/cases.ts';
import { failure } from '../../../test/support/problems.ts';
import { TokenFailure } from '../src/failure.ts';
import { Pool } from '../src/pool.ts';

const limit = 10_000;

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  const error = await failure(promise);
  if (!(error instanceof TokenFailure)) throw error;
  return error.reason;
}

test('each thing does one task at a time, in the order of the tasks', async () => {
  const pool = new Pool(['a', 'b']);
  const busy = new Set<string>();
  const begun: number[] = [];
  const tasks = Array.from({ length: 20 }, (_, index) =>
    pool.use(async (thing) => {
      assert.not.ok(busy.has(thing));
      busy.add(thing);
      begun.push(index);
      await new Promise(setImmediate);
      busy.delete(thing);
      return index;
    }, limit),
  );
  assert.equal(await Promise.all(tasks), [...tasks.keys()]);
  assert.equal(begun, [...tasks.keys()]);
});

test('a task that fails gives its thing back', async () => {
  const pool = new Pool(['a']);
  const cause = new Error('the task failed');
  assert.is(await failure(pool.use(() => Promise.reject(cause), limit)), cause);
  assert.is(await pool.use(async (thing) => thing, limit), 'a');
});

test('a task that hangs, and what waits behind it, is late; when it has ended, its thing is used again', async () => {
  const pool = new Pool(['a']);
  const hanging = deferred();
  let begun = false;
  const late = [
    pool.use(() => hanging.promise, 20),
    pool.use(async () => {
      begun = true;
    }, 20),
  ];
  assert.equal(await Promise.all(late.map(reasonOf)), ['late', 'late']);
  const next = pool.use(async (thing) => thing, limit);
  hanging.resolve();
  assert.is(await next, 'a');
  // Nobody waits for its result any more.
  assert.not.ok(begun);
});

test('no more than a thousand tasks wait', async () => {
  const pool = new Pool(['a']);
  const hanging = deferred();
  const accepted = Array.from({ length: 1001 }, () => pool.use(() => hanging.promise, limit));
  assert.is(await reasonOf(pool.use(async () => {}, limit)), 'crowded');
  hanging.resolve();
  await Promise.all(accepted);
});

test('a pool that is closed refuses what waits and what is new; what has begun goes on', async () => {
  const pool = new Pool(['a']);
  const running = deferred<string>();
  const begun = pool.use(() => running.promise, limit);
  const waiting = reasonOf(pool.use(async () => {}, limit));
  pool.close();
  assert.is(await waiting, 'closed');
  assert.is(await reasonOf(pool.use(async () => {}, limit)), 'closed');
  running.resolve('done');
  assert.is(await begun, 'done');
});

test.run();
