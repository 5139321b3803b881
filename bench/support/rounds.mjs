// Functions that take turns in one process, for what needs no network.
import { median } from './table.mjs';

/**
 * Measures functions in turns: every round each of them once, in changing order, each for about `milliseconds`.
 * @param work by name; each does its work once
 * @returns by name: nanoseconds per call, one value a round
 */
export function takeTurns(work, { rounds, milliseconds }) {
  const names = Object.keys(work);
  const counts = {};
  for (const name of names) counts[name] = calibrate(work[name], milliseconds);
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      globalThis.gc?.();
      results[name].push(time(work[name], counts[name]));
    }
  }
  return results;
}

/** Ratios of the medians' rounds: how much faster `a` is than `b`, round by round. */
export function ratios(a, b) {
  return a.map((value, round) => b[round] / value);
}

/** Warms up and finds how many calls fill a round. */
function calibrate(run, milliseconds) {
  let count = 1;
  let each = time(run, count);
  while (each * count < milliseconds * 1e6) {
    count = Math.ceil(Math.max(count * 1.5, (milliseconds * 1e6) / Math.max(each, 1) / 2));
    each = median([time(run, count), time(run, count)]);
  }
  return Math.max(1, Math.round((milliseconds * 1e6) / each));
}

function time(run, count) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < count; i++) run();
  return Number(process.hrtime.bigint() - start) / count;
}
