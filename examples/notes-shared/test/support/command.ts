import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from '../../../../test/support/cases.ts';
import { temporaryFolder } from '../../../../test/support/folders.ts';
import { wasPrinted } from '../../../../test/support/recording.ts';
import { afterwards } from '../../../../test/support/resources.ts';

export interface Command {
  readonly process: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** Its exit code; null if a signal killed it. */
  readonly ended: Promise<number | null>;
}

/** Runs a script of an example as a user does, but on the sources of the packages, which nobody has to build. */
export function runCommand(script: URL, args: readonly string[], env: Record<string, string> = {}): Command {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions=sealwire-source', fileURLToPath(script), ...args],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text;
    wasPrinted(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.stderr += text;
    wasPrinted(text);
  });
  const closed = once(child, 'close').then(([code]) => code as number | null);
  afterwards(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  return { process: child, output, ended: closed };
}

/** A folder for a server's keys; it is removed after the test. */
export function temporaryKeys(): string {
  return join(temporaryFolder(), 'keys');
}

export interface RunningServer extends Command {
  readonly origin: string;
  readonly port: number;
  readonly pin: string;
}

/** Runs the script of a server until it says where it is; on a free port unless the environment names one. */
export async function startServer(
  script: URL,
  args: readonly string[] = [],
  env = {},
): Promise<RunningServer> {
  const command = runCommand(script, args, { PORT: '0', SEALWIRE_KEYS_DIR: temporaryKeys(), ...env });
  const said = new Promise<RunningServer>((resolve) => {
    command.process.stdout?.on('data', () => {
      const [, origin, pin] = /open +(\S+)\n +pin +(\S+)\n.*Ctrl-C/s.exec(command.output.stdout) ?? [];
      if (origin === undefined || pin === undefined) return;
      resolve({ ...command, origin, pin, port: Number(new URL(origin).port) });
    });
  });
  const failed = command.ended.then((code): never => {
    throw new Error(`The server ended with ${code}: ${command.output.stderr}`);
  });
  return within(Promise.race([said, failed]), 'the start of the server', 20_000);
}

/** Runs the script of a server where it cannot start. */
export async function failToStart(script: URL, args: readonly string[], env: Record<string, string>) {
  const command = runCommand(script, args, { SEALWIRE_KEYS_DIR: temporaryKeys(), ...env });
  const code = await within(command.ended, 'the end of the server', 20_000);
  return { code, ...command.output };
}
