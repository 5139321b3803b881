// Brings a fresh clone to where everything runs, with nothing but Node and npm: installs pnpm's choice of packages,
// then builds. Says nothing and costs little where that was done before.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const pnpmVersion = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).devEngines.packageManager.version;
const minimumNode = [20, 19];

/** Runs a command of the project in the foreground; ends this process if it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return;
  console.error(`Sealwire needs Node ${minimumNode.join('.')} or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

/** `pnpm install`, unless the lockfile is the one that was installed last. */
export function install() {
  checkNode();
  const stamp = `${root}node_modules/.sealwire-installed`;
  const wanted = createHash('sha256')
    .update(readFileSync(`${root}pnpm-lock.yaml`))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log(`Installing with pnpm ${pnpmVersion} …`);
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
  run(npx, ['--yes', `pnpm@${pnpmVersion}`, 'install', '--frozen-lockfile'], {
    shell: process.platform === 'win32',
  });
  mkdirSync(`${root}node_modules`, { recursive: true });
  writeFileSync(stamp, wanted);
}

/** Compiles every package. */
export function build() {
  run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-b']);
}
