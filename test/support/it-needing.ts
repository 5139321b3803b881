import { test } from 'uvu';
import { it } from './cases.ts';
import { type Need, needing } from './needs.ts';

/** `it` for tests that need something: run where it is there, else skipped by name and counted. */
export function itNeeding(need: Need): typeof it {
  const register = needing(need, test);
  return register === test ? it : (name, run) => register(name, async () => void (await run()));
}
