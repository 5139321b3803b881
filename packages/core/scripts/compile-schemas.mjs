// Compiles src/schemas.ts to src/validators.js. With --check it only says whether the file is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import * as schemas from '../src/schemas.ts';

const ajv = new Ajv({
  strict: true,
  messages: false,
  code: { source: true, esm: true, optimize: 2 },
  schemas: Object.entries(schemas).map(([name, schema]) => ({ $id: name, ...schema })),
});
const names = Object.fromEntries(Object.keys(schemas).map((name) => [name, name]));
// Nobody reads `errors` (a message is valid or refused), and they are most of what a browser would load.
const compiled = standalone
  .default(ajv, names)
  .replaceAll(/validate\d+\.errors = (\[\{.*?\}\]|vErrors);/g, '');
const code = `// Compiled from schemas.ts by ajv; do not edit.\n${compiled}\n`;
const target = new URL('../src/validators.js', import.meta.url);

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== code) {
    console.error('validators.js is not what schemas.ts compiles to: pnpm --filter @sealwire/core schemas');
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, code);
}
