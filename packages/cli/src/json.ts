import type { Flag } from './flags.ts';

/** The flag of commands that answer with something that programs read, too. */
export const jsonFlag: Flag = { text: 'write JSON, for programs' };

export function writeJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
