import { printable } from '../printable.ts';

/** What a check found. A `problem` keeps clients from working, a `warning` may, sooner or later. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly level: 'ok' | 'note' | 'warning' | 'problem';
  readonly text: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export type Findings = AsyncGenerator<Finding, void, undefined>;

const marks = { ok: ['✓', 32], note: ['·', 90], warning: ['!', 33], problem: ['✗', 31] } as const;

/** A finding as a line or two; in colours where the terminal has them and nobody said NO_COLOR. */
export function format({ check, level, text, remedy }: Finding, colours: boolean): string {
  const [mark, colour] = marks[level];
  const sign = colours ? `\x1b[${colour}m${mark}\x1b[0m` : mark;
  const lines = `${sign} ${check.padEnd(14)}${printable(text)}`;
  return remedy === undefined ? lines : `${lines}\n${' '.repeat(16)}${remedy}`;
}

export function hasColours(): boolean {
  return process.stdout.isTTY === true && process.stdout.hasColors();
}
