// `npm run bench`: installs, builds, and runs the benchmarks. Arguments are patterns that file names must contain.
import { readdirSync } from 'node:fs';
import { build, install, root, run } from './bootstrap.mjs';

install();
build();
const patterns = process.argv.slice(2);
for (const name of readdirSync(`${root}bench`).filter((file) => file.endsWith('.bench.mjs'))) {
  if (patterns.length > 0 && !patterns.some((pattern) => name.includes(pattern))) continue;
  run(process.execPath, [`${root}bench/${name}`]);
}
