import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from './cases.ts';
import { wasPrinted } from './recording.ts';
import { afterwards } from './resources.ts';

export interface Child {
  readonly process: ChildProcess;
  /** What it wrote so far, to stdout and to stderr. */
  readonly output: { stdout: string; stderr: string };
  /** The first line on stdout, which a server writes when it is ready. */
  readonly ready: Promise<string>;
  /** Its exit code. */
  readonly ended: Promise<number | null>;
}

/** Runs a script of this folder in a process of its own, which is killed after the test. */
export function startChild(
  script: string,
  env: Record<string, string> = {},
  args: readonly string[] = [],
): Child {
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--conditions=sealwire-source',
      fileURLToPath(new URL(script, import.meta.url)),
      ...args,
    ],
    {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  afterwards(() => child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  const ready = within(
    new Promise<string>((resolve) => {
      child.stdout.on('data', (chunk) => {
        output.stdout += chunk;
        wasPrinted(chunk);
        const [line, ...rest] = output.stdout.split('\n');
        if (rest.length > 0) resolve(line as string);
      });
    }),
    `the first line of ${script}`,
    15_000,
  );
  ready.catch(() => {});
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
    wasPrinted(chunk);
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { process: child, output, ready, ended };
}
