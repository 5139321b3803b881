// Every package compiles, twice where it has two faces: once with Node's `#crypto`, which answers at once, and once
// with WebCrypto's, which promises, so that no shared code forgets to await. Then all tests.
import { root, run } from '../../scripts/bootstrap.mjs';

const tsc = `${root}node_modules/typescript/bin/tsc`;
run(process.execPath, [tsc, '-b']);
for (const project of ['tsconfig.web.json', 'tsconfig.test.json'])
  run(process.execPath, [tsc, '-p', root + project]);
