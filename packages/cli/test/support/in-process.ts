import { wasPrinted } from '../../../../test/support/recording.ts';
import { report } from '../../src/failure.ts';
import { parseFlags } from '../../src/flags.ts';
import { findCommand } from '../../src/help.ts';

/** Runs a command in this process: a program of its own takes a second or more. */
export async function inProcess(args: readonly string[]) {
  const { command, rest } = findCommand(args);
  const captured = { stdout: '', stderr: '' };
  const restore = (['stdout', 'stderr'] as const).map((name) => {
    const { write } = process[name];
    process[name].write = (text) => {
      captured[name] += text;
      wasPrinted(text);
      return true;
    };
    return () => {
      process[name].write = write;
    };
  });
  try {
    const code = await command.run(parseFlags(rest, command.flags)).catch(report);
    return { code, ...captured };
  } finally {
    for (const each of restore) each();
  }
}
