// validators.js is what schemas.ts compiles to.
import { root, run } from '../../scripts/bootstrap.mjs';

run(
  process.execPath,
  ['--import', 'tsx', '--conditions=sealwire-source', 'scripts/compile-schemas.mjs', '--check'],
  { cwd: `${root}packages/core` },
);
