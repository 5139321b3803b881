// What storms, full disks and hands make of a valid artefact.
import { isSealwireError } from '@sealwire/core';

/** Resolves with what an action returns, undefined if it refuses with a typed error; fails for any other error. */
export async function unlessRefused<T>(action: () => T, what: unknown): Promise<Awaited<T> | undefined> {
  try {
    return await action();
  } catch (error) {
    if (isSealwireError(error)) return undefined;
    throw new Error(`not a SealwireError, of ${what}: ${(error as Error)?.stack ?? error}`, { cause: error });
  }
}

const others: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  '',
  'text',
  '__proto__',
  'A'.repeat(70_000),
  [],
  [null],
  {},
  { toString: null, length: 1 },
];

/** A JSON value with one thing in it left out, or replaced by values of every type, wherever that can be. */
export function* swapped(value: unknown): Generator<unknown> {
  yield* others;
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    yield [...value, ...value];
    for (const [at, item] of value.entries()) {
      yield value.toSpliced(at, 1);
      for (const other of swapped(item)) yield value.with(at, other);
    }
    return;
  }
  yield { ...value, more: 1 };
  for (const [name, member] of Object.entries(value)) {
    const { [name]: _, ...rest } = value as Record<string, unknown>;
    yield rest;
    for (const other of swapped(member)) yield { ...value, [name]: other };
  }
}

/** Bytes with one of them changed, or cut short, at every `step`th place. */
export function* damaged(bytes: Uint8Array, step = 1): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) {
    yield Buffer.from(bytes.subarray(0, at));
    for (const bits of [1, 0x20, 0x80]) {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] as number) ^ bits;
      yield copy;
    }
  }
}
