// Projects outside the workspace that install the packed packages, as npm would for anybody.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/bootstrap.mjs';
import { npm, script } from './commands.mjs';

const installOptions = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
const strict = { strict: true, skipLibCheck: false, noEmit: true, target: 'ES2022', types: ['node'] };

/** Compiler options by how TypeScript resolves; `readme` is for JavaScript that was pasted from a README. */
export const compilerOptions = {
  nodeNext: { ...strict, module: 'NodeNext' },
  bundler: { ...strict, module: 'ESNext', moduleResolution: 'Bundler' },
  browser: {
    ...strict,
    module: 'ESNext',
    moduleResolution: 'Bundler',
    lib: ['ES2022', 'DOM', 'DOM.Iterable'],
    types: [],
  },
  // Koa's types contradict those of a dependency, whatever uses them.
  koa: { ...strict, module: 'NodeNext', skipLibCheck: true },
  readme: { ...strict, module: 'NodeNext', skipLibCheck: true, strict: false, allowJs: true, checkJs: true },
};

/**
 * Makes a project in `folder` with all `packages` and with `others` from the registry, by name and version.
 * @throws Error if they cannot be installed
 */
export async function makeProject(folder, packages, others) {
  mkdirSync(folder, { recursive: true });
  const put = (file, content) => writeFileSync(join(folder, file), content);
  const tarballs = Object.fromEntries(packages.map(({ name, tarball }) => [name, `file:${tarball}`]));
  put(
    'package.json',
    JSON.stringify({
      private: true,
      dependencies: { ...tarballs, ...others },
      // Whatever the registry has under these names is not what is tested here.
      overrides: Object.fromEntries(packages.map(({ name }) => [name, `$${name}`])),
    }),
  );
  await npm('npm', ['install', ...installOptions], { cwd: folder });

  return {
    folder,
    put,
    /** Runs a script, which is not to complain, and returns what it wrote. */
    async run(args, env = {}) {
      const { stdout, stderr } = await script(args, {
        cwd: folder,
        env: { ...process.env, ...env },
        limit: 30_000,
      });
      if (stderr !== '') throw new Error(`${args.join(' ')} wrote to stderr\n${stdout}${stderr}`);
      return stdout.trim();
    },
    /** Type-checks files under one of the compiler options. */
    async typeCheck(how, files) {
      put(`${how}.json`, JSON.stringify({ compilerOptions: compilerOptions[how], files }));
      await script([`${root}node_modules/typescript/bin/tsc`, '-p', `${how}.json`], { cwd: folder });
    },
  };
}
