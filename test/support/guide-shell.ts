import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GuideStep } from './guide.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const at = (path: string) => new URL(path, import.meta.url).href;

/** A terminal in a folder of its own, where `sealwire` is the command line and scripts find the packages. */
export class GuideShell {
  readonly #folder: string;
  readonly #clock: string;
  readonly #replacements: Readonly<Record<string, string>>;
  readonly #shell;
  readonly #ended: Promise<unknown>;
  readonly #servers = new Set<string>();
  #output = '';
  #ahead = 0;
  #steps = 0;

  /** @param replacements of texts that are others on this machine: ports, paths */
  constructor(
    folder: string,
    replacements: Readonly<Record<string, string>>,
    env: Readonly<Record<string, string>>,
  ) {
    this.#folder = folder;
    this.#clock = join(folder, 'clock');
    this.#replacements = replacements;
    const bin = join(this.#folder, 'bin');
    mkdirSync(bin);
    const program = join(bin, 'sealwire');
    const script = join(root, 'packages/cli/bin/sealwire.mjs');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`);
    chmodSync(program, 0o755);
    writeFileSync(this.#clock, '0');
    symlinkSync(join(root, 'test/node_modules'), join(this.#folder, 'node_modules'));
    const options = [
      `--import=${import.meta.resolve('tsx')}`,
      `--import=${at('guide-clock.mjs')}`,
      '--conditions=sealwire-source',
      '--disable-warning=ExperimentalWarning',
    ];
    this.#shell = spawn('bash', ['-eu', '-o', 'pipefail'], {
      cwd: this.#folder,
      // A group of its own, so that its servers end with it.
      detached: true,
      env: {
        ...process.env,
        ...env,
        PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`,
        NODE_OPTIONS: options.join(' '),
        GUIDE_CLOCK: this.#clock,
      },
    });
    this.#ended = once(this.#shell, 'exit');
    for (const stream of [this.#shell.stdout, this.#shell.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        this.#output += text;
      });
    this.#shell.stdin.on('error', () => {});
  }

  /** Does what a step says. @returns what was written. @throws Error with that if a command fails */
  async run(step: GuideStep): Promise<string> {
    if (step.step === 'later') {
      this.#ahead += step.hours * 3_600_000;
      writeFileSync(this.#clock, String(this.#ahead));
      // Processes look every 50 ms.
      await new Promise((resolve) => setTimeout(resolve, 200));
      return '';
    }
    const text = Object.entries(this.#replacements).reduce(
      (before, [from, to]) => before.replaceAll(from, to),
      step.text,
    );
    if (step.step === 'shell') return this.#commands(text);
    writeFileSync(join(this.#folder, step.name), text);
    if (text.includes('.listen(')) this.#servers.add(step.name);
    return '';
  }

  /** Ends whatever runs in it. */
  async close(): Promise<void> {
    try {
      process.kill(-(this.#shell.pid as number), 'SIGKILL');
    } catch {
      // A command failed, and no server was left.
    }
    await this.#ended;
  }

  #commands(text: string): Promise<string> {
    const end = `end of step ${++this.#steps}`;
    const commands = text.replaceAll(/^node (\S+\.mjs)$/gm, (line, name) =>
      this.#servers.has(name) ? inBackground(line, name) : line,
    );
    this.#output = '';
    this.#shell.stdin.write(`{\n${commands}\n} </dev/null\necho '${end}'\n`);
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.#shell.exitCode !== null)
          reject(new Error(`${text}ended with code ${this.#shell.exitCode}:\n${this.#output}`));
        else if (this.#output.includes(`${end}\n`)) resolve(this.#output.replace(`${end}\n`, ''));
        else setTimeout(look, 20);
      };
      look();
    });
  }
}

/** The guide's reader has a terminal for each server; this one goes on when the server says that it is there. */
function inBackground(line: string, name: string): string {
  const log = `${name}.log`;
  return `${line} >${log} 2>&1 &\nuntil grep -q '^pin: ' ${log}; do kill -0 $!; sleep 0.1; done`;
}
