import { KeyObject } from 'node:crypto';
import { type Maybe, type Session, storeTimeLimit } from '@sealwire/core';
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

/**
 * Goes on with the store's answer: at once by `use`, or by `later` where it is promised. What fails, or does not come in
 * time, is `unavailable`.
 */
export function askStore<T>(
  ask: () => Maybe<T>,
  unavailable: () => void,
  use: (answer: T) => void,
  later: (answer: T) => void = use,
): void {
  let answer: Maybe<T>;
  try {
    answer = ask();
  } catch {
    unavailable();
    return;
  }
  if (isPromise(answer)) inTime(answer, later, unavailable);
  else use(answer);
}

/** Also one of a library of its own, which is no `Promise`. */
export function isPromise<T>(value: Maybe<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
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
