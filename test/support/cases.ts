import { createRequire } from 'node:module';
import type { Application, RequestHandler } from 'express';
import express5 from 'express';
import { test } from 'uvu';
import { afterwards, releaseAll } from './resources.ts';

export type Express = typeof express5;
// For the tests of packages that do not depend on Express.
export type { Application, RequestHandler };

const express4 = createRequire(import.meta.url)('express4') as Express;

/** Both versions of Express that Sealwire is made for. */
export const frameworks: readonly { name: string; express: Express }[] = [
  { name: 'Express 4', express: express4 },
  { name: 'Express 5', express: express5 },
];

/** How long one test may take, in milliseconds: uvu has no limit of its own. */
const testLimit = 30_000;

/** What Node says of listeners that leak. */
const warnings: Error[] = [];
process.on('warning', (warning) => {
  if (warning.name === 'MaxListenersExceededWarning') warnings.push(warning);
});

test.after.each(releaseAll);

/** Registers a test with a time limit that fails if listeners leak; what it opened with `afterwards` is closed behind it. */
export function it(name: string, run: () => unknown): void {
  test(name, async () => {
    warnings.length = 0;
    await within(Promise.resolve().then(run), name, testLimit);
    if (warnings.length > 0) throw new Error(`Node warned: ${warnings[0]?.message}`);
  });
}

/** Registers a test twice, for Express 4 and for Express 5. */
export function onExpress(name: string, run: (express: Express) => unknown): void {
  for (const framework of frameworks) it(`${name} (${framework.name})`, () => run(framework.express));
}

/** The promise, or an error if it takes too long. */
export function within<T>(promise: Promise<T>, what: string, limit = 5000): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`took longer than ${limit} ms: ${what}`)), limit);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** A promise that is settled from outside. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // A test that failed elsewhere shall not fail again as an unhandled rejection.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Values that come one by one, to be awaited in order. */
export class Arrivals<T> {
  readonly #values: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];

  push(value: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#values.push(value);
    else waiting(value);
  }

  next(what = 'the next arrival', limit?: number): Promise<T> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift() as T);
    return within(new Promise((resolve) => this.#waiting.push(resolve)), what, limit);
  }
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Unhandled rejections from here to the end of the test. */
export function unhandledRejections(): unknown[] {
  const reasons: unknown[] = [];
  const note = (reason: unknown) => reasons.push(reason);
  process.on('unhandledRejection', note);
  afterwards(() => process.off('unhandledRejection', note));
  return reasons;
}
