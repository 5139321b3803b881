import type { Command } from './command.ts';
import { commands } from './commands.ts';
import { usage } from './failure.ts';
import type { Flag } from './flags.ts';

/** @throws Failure if there is no such command */
export function findCommand(name: string | undefined): Command {
  const command = commands.find((each) => each.name === name);
  if (command !== undefined) return command;
  const what = name === undefined ? 'A command is missing.' : `There is no command "${name}".`;
  throw usage(`${what} See "sealwire --help".`);
}

export function generalHelp(): string {
  return [
    'Usage: sealwire COMMAND …',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(8)}${summary}`),
    `  ${'help'.padEnd(8)}"sealwire help COMMAND" tells the flags of a command`,
    '',
    'Also --help and --version.',
  ].join('\n');
}

export function commandHelp({ name, takes, summary, flags, notes }: Command): string {
  const rows = Object.entries(flags).map(([long, flag]) => [spelling(long, flag), flag.text] as const);
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    `Usage: sealwire ${name} ${takes} [flags]`,
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
