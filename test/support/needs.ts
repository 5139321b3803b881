import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Callback, Test } from 'uvu';
import { findChromium } from './chromium.ts';
import { findNginx } from './nginx.ts';
import { findSoftHsm } from './softhsm.ts';

/** Folder of the test vectors, which are not part of the project. */
export const vectorsFolder =
  process.env.SEALWIRE_VECTORS ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url));

const available = {
  vectors: () => existsSync(vectorsFolder),
  chromium: () => findChromium() !== undefined,
  nginx: () => findNginx() !== undefined,
  curl: () => runs('curl'),
  python3: () => runs('python3'),
  // Others of this name, LibreSSL's for one, have no scrypt for keys.
  openssl: () => /^OpenSSL 3/.test(String(spawnSync('openssl', ['version']).stdout)),
  prlimit: () => runs('prlimit'),
  softhsm2: () => findSoftHsm() !== undefined,
};

function runs(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

/** What a test may need that a machine may not have. */
export type Need = keyof typeof available;

export function isThere(need: Need): boolean {
  return available[need]();
}

/** Registers tests that need something: run where it is there, else skipped by name and counted. */
export function needing<T>(need: Need, test: Test<T>): (name: string, callback: Callback<T>) => void {
  if (isThere(need)) return test;
  return (name, callback) => {
    // The runner collects these lines.
    console.log(`SKIPPED (no ${need}) ${name}`);
    test.skip(name, callback);
  };
}
