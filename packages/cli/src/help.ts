import type { Command } from './command.ts';
import { commands } from './commands.ts';
import { usage } from './failure.ts';
import type { Flag } from './flags.ts';

/**
 * The command that the words of a command line begin with (`proxy`, or two words like `audit verify`), and what follows it.
 * @throws Failure if there is no such command
 */
export function findCommand(words: readonly string[]): { command: Command; rest: readonly string[] } {
  for (const command of commands) {
    const name = command.name.split(' ');
    if (name.every((word, at) => words[at] === word)) return { command, rest: words.slice(name.length) };
  }
  throw usage(`${whatIsWrong(words)} See "sealwire --help".`);
}

function whatIsWrong([first, second = '']: readonly string[]): string {
  if (first === undefined) return 'A command is missing.';
  const group = commands.map(({ name }) => name).filter((name) => name.startsWith(`${first} `));
  if (group.length === 0) return `There is no command "${first}".`;
  return `There is no command "${`${first} ${second}`.trim()}", but ${group.map((name) => `"${name}"`).join(', ')}.`;
}

export function generalHelp(): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  return [
    'Usage: sealwire COMMAND …',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    `  ${'help'.padEnd(width)}"sealwire help COMMAND" tells the flags of a command`,
    '',
    'Also --help and --version.',
  ].join('\n');
}

export function commandHelp({ name, takes, summary, flags, notes }: Command): string {
  const rows = Object.entries(flags).map(([long, flag]) => [spelling(long, flag), flag.text] as const);
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    `Usage: sealwire ${[name, takes, '[flags]'].filter((word) => word !== '').join(' ')}`,
    '',
    `${summary}.`,
    '',
    ...rows.map(([left, text]) => `${left.padEnd(width)}${text}`),
    '',
    notes,
  ].join('\n');
}

function spelling(long: string, { short, value }: Flag): string {
  return `  ${short === undefined ? '   ' : `-${short},`} --${long}${value === undefined ? '' : ` ${value}`}`;
}
