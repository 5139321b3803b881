// `npm test`: installs, then runs every check and every test. Arguments are patterns that file names must contain.
import { install, root, run } from './bootstrap.mjs';

install();
run(process.execPath, [`${root}test/run.mjs`, ...process.argv.slice(2)]);
