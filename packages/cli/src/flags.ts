import { parseArgs } from 'node:util';
import { usage } from './failure.ts';

/** A flag by its long name; it takes a value if that has a name. */
export interface Flag {
  readonly short?: string;
  readonly value?: string;
  readonly text: string;
}

export type FlagTable = Readonly<Record<string, Flag>>;

/** What stood on the command line. */
export interface Flags {
  /** What is no flag, in its order. */
  readonly positionals: readonly string[];
  /** Every flag with a value, in its order. */
  readonly all: readonly { readonly name: string; readonly value: string }[];
  /** True if a flag was given. */
  has(name: string): boolean;
  /** The last value of a flag. */
  last(name: string): string | undefined;
  /** Every value of a flag. */
  each(name: string): string[];
}

/**
 * Flags as curl takes them: glued (`-XPOST`, `-sSi`), with values that may begin with a dash.
 * @throws Failure for a flag that is not in the table, a value that is missing or has no place
 */
export function parseFlags(args: readonly string[], table: FlagTable): Flags {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { short, value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), ...(short && { short }) },
    ]),
  );
  // Not strict: that refuses values which begin with a dash.
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const all = tokens
    .filter((token) => token.kind === 'option')
    .map(({ name, rawName, value }) => {
      const flag = Object.hasOwn(table, name) ? table[name] : undefined;
      if (flag === undefined) throw usage(`There is no flag ${rawName}. See "sealwire --help".`);
      if (flag.value === undefined && value !== undefined) throw usage(`${rawName} takes no value.`);
      if (flag.value !== undefined && value === undefined) throw usage(`${rawName} needs ${flag.value}.`);
      return { name, value: value ?? '' };
    });
  const each = (name: string) => all.filter((flag) => flag.name === name).map(({ value }) => value);
  return { positionals, all, has: (name) => each(name).length > 0, last: (name) => each(name).at(-1), each };
}
