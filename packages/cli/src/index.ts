import { report } from './failure.ts';
import { parseFlags } from './flags.ts';
import { commandHelp, findCommand, generalHelp } from './help.ts';
import { version } from './version.ts';
import { quietExperimentalWarnings } from './warnings.ts';

/**
 * The command line: `sealwire COMMAND …`. It writes to this process' stdout and stderr.
 * @param args what follows the name of the program
 * @returns the exit code: 0, 2 for wrong usage, else as each command says in its help
 */
export async function main(args: readonly string[]): Promise<number> {
  quietExperimentalWarnings();
  try {
    return await run(args);
  } catch (error) {
    return report(error);
  }
}

async function run(args: readonly string[]): Promise<number> {
  const [first, ...others] = args;
  if (first === '--version') return say(version());
  if (first === '--help' || first === '-h' || (first === 'help' && others.length === 0))
    return say(generalHelp());
  if (first === 'help') return say(commandHelp(findCommand(others).command));
  const { command, rest } = findCommand(args);
  // As it was asked for, even among other flags.
  if (rest.includes('--help')) return say(commandHelp(command));
  return command.run(parseFlags(rest, command.flags));
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
