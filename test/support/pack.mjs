// Packs the packages as a release would. They are built in a copy: what an earlier build left in `dist` would be packed
// as well, and other checks build at the same time.
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/bootstrap.mjs';
import { npm, script } from './commands.mjs';
import { readTarball } from './tarball.mjs';

const workspaceFiles = [
  'package.json',
  'pnpm-workspace.yaml',
  'tsconfig.json',
  'tsconfig.base.json',
  '.npmrc',
];
const notCopied = new Set(['dist']);

/**
 * Works in folders below `into`.
 * @returns the packages, each with its name, the path of its tarball and the files in that
 */
export async function packAll(into) {
  const copy = join(into, 'workspace');
  for (const file of workspaceFiles) cpSync(root + file, join(copy, file));
  cpSync(`${root}packages`, join(copy, 'packages'), {
    recursive: true,
    // Links between the packages then stay in the copy.
    verbatimSymlinks: true,
    filter: (source) => !notCopied.has(source.slice(root.length).split(/[\\/]/)[2]),
  });
  symlinkSync(`${root}node_modules`, join(copy, 'node_modules'), 'junction');
  await script([`${root}node_modules/typescript/bin/tsc`, '-b'], { cwd: copy });

  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).devEngines.packageManager;
  const tarballs = join(into, 'tarballs');
  mkdirSync(tarballs);
  const pack = ['--filter', './packages/*', 'pack', '--pack-destination', tarballs];
  await npm('npx', ['--yes', `pnpm@${version}`, ...pack], { cwd: copy });

  const packages = readdirSync(tarballs).map((file) => {
    const tarball = join(tarballs, file);
    const files = readTarball(tarball);
    return { name: JSON.parse(files.get('package.json').toString()).name, tarball, files };
  });
  const folders = readdirSync(join(copy, 'packages'));
  if (packages.length !== folders.length) {
    throw new Error(`${folders.length} packages made ${packages.length} tarballs`);
  }
  return packages;
}
