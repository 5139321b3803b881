import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from '../../../../test/support/cases.ts';
import { temporaryFolder } from '../../../../test/support/folders.ts';
import { wasPrinted } from '../../../../test/support/recording.ts';
import { afterwards } from '../../../../test/support/resources.ts';
import { pin } from '../../../../test/support/servers.ts';

const bin = fileURLToPath(new URL('../../bin/sealwire.mjs', import.meta.url));
const root = fileURLToPath(new URL('../../../../', import.meta.url));
/** Runs the command line from its source. */
export const sealwireArgs = ['--import', 'tsx', '--conditions=sealwire-source', bin];

export interface Ended {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface ProgramOptions {
  /** What it reads on stdin; open and silent if undefined. */
  readonly stdin?: string | Buffer;
  readonly env?: Record<string, string>;
}

/** A program that runs, killed after the test. */
export function start(file: string, args: readonly string[], { stdin, env }: ProgramOptions = {}) {
  const child = spawn(file, args, { cwd: root, env: { ...process.env, SEALWIRE_IDENTITY: pin, ...env } });
  afterwards(() => child.kill('SIGKILL'));
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk) => stdout.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk;
  });
  // It may end before it has read everything.
  child.stdin.on('error', () => {});
  if (stdin !== undefined) child.stdin.end(stdin);
  const ended = once(child, 'close').then(([code]): Ended => {
    wasPrinted(Buffer.concat(stdout));
    wasPrinted(stderr);
    return { code, stdout: Buffer.concat(stdout), stderr };
  });
  return { child, ended };
}

export function run(file: string, args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  return within(start(file, args, { stdin: '', ...options }).ended, `${file} ${args.join(' ')}`, 25_000);
}

export function startSealwire(args: readonly string[], options?: ProgramOptions) {
  return start(process.execPath, [...sealwireArgs, ...args], options);
}

/** Runs `sealwire` to its end. */
export function sealwire(args: readonly string[], options?: ProgramOptions): Promise<Ended> {
  return run(process.execPath, [...sealwireArgs, ...args], options);
}

/** Starts `sealwire proxy` on a free port. @returns its address */
export async function startProxyCommand(args: readonly string[]) {
  const program = startSealwire(['proxy', '--listen', '127.0.0.1:0', ...args]);
  const [line] = await within(once(program.child.stdout, 'data'), 'the address of the gateway', 15_000);
  const [address = ''] = String(line).match(/http:\S+/) ?? [];
  return { ...program, address, line: String(line) };
}

/** A folder with files, removed after the test. */
export function folderWith(files: Record<string, string | Buffer>, mode = 0o644): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { mode });
  return folder;
}
