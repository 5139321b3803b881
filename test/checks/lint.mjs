// Format and lint rules of biome.json.
import { root, run } from '../../scripts/bootstrap.mjs';

run(process.execPath, [`${root}node_modules/@biomejs/biome/bin/biome`, 'check', '--error-on-warnings', root]);
