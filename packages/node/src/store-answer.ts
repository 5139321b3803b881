import { KeyObject } from 'node:crypto';
import { type Session, storeTimeLimit } from '@sealwire/core';
import { Deadlines } from './deadline.ts';

// What a session store says decides over execution: it counts only if it is in time and of the right form.

const deadlines = new Deadlines<() => void>(storeTimeLimit, (expire) => expire());

/**
 * Calls `use` with what is promised, or `fail`, never both: the exchange that was refused because the answer was late
 * must not run when it comes after all.
 */
export function inTime<T>(promise: PromiseLike<T>, use: (answer: T) => void, fail: () => void): void {
  let late = false;
  const deadline = deadlines.add(() => {
    late = true;
    fail();
  });
  const unlessLate = (go: () => void) => {
    if (late) return;
    deadlines.remove(deadline);
    go();
  };
  promise.then(
    (answer) => unlessLate(() => use(answer)),
    () => unlessLate(fail),
  );
}

/** True for a session that keys can be derived from and that an application can be told about. */
export function isSession(value: unknown): value is Session {
  const { master, suite, kid, client, expires, idle } = Object(value) as Partial<Session>;
  return (
    master instanceof KeyObject &&
    master.type === 'secret' &&
    typeof suite === 'string' &&
    typeof kid === 'string' &&
    (client === undefined || typeof client === 'string') &&
    typeof expires === 'number' &&
    typeof idle === 'number'
  );
}
