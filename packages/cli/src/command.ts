import type { Flags, FlagTable } from './flags.ts';

/** One command of the table in commands.ts. */
export interface Command {
  /** One word, or two: `proxy`, `audit verify`. */
  readonly name: string;
  /** What it takes, beside flags: `ORIGIN`. */
  readonly takes: string;
  /** What it does, in a line. */
  readonly summary: string;
  readonly flags: FlagTable;
  /** What its help says after the flags. */
  readonly notes: string;
  /** @returns the exit code; @throws Failure, SealwireError */
  run(flags: Flags): Promise<number>;
}
