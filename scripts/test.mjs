// `npm test`: installs, then runs every check and every test. Arguments are parts of
// file names: one of them has to be in a name, and none that begins with an exclamation mark.
import { install, root, run } from './bootstrap.mjs';

install();
run(process.execPath, [`${root}test/run.mjs`, ...process.argv.slice(2)]);
