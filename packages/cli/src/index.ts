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
  const [name, ...rest] = args;
  try {
    return await run(name, rest);
  } catch (error) {
    return report(error);
  }
}

async function run(name: string | undefined, args: readonly string[]): Promise<number> {
  if (name === '--version') return say(version());
  if (name === '--help' || name === '-h' || (name === 'help' && args.length === 0)) return say(generalHelp());
  if (name === 'help') return say(commandHelp(findCommand(args[0])));
  const command = findCommand(name);
  // As it was asked for, even among other flags.
  if (args.includes('--help')) return say(commandHelp(command));
  return command.run(parseFlags(args, command.flags));
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
