// docs/LIBRARIES.md shows the lines that the tests of the libraries run, the versions they run with, and the fields.
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from './support/cases.ts';
import { libraryFields } from './support/libraries/app.ts';
import { setUps } from './support/libraries/set-ups.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const guide = read('../docs/LIBRARIES.md');

/** Rows of the table of set-ups: name, packages with versions, code. */
const rows = [...guide.matchAll(/^\| ([^|]+) \| ([^|]+ \d[^|]*) \| `+(.+?)`+ \|$/gm)].map(
  ([, name = '', versions = '', code = '']) => ({ name, versions: versions.split(', '), code }),
);

/** Code without what a formatter decides: blanks, and commas at the end of a list. */
function bare(code: string): string {
  return code.replace(/\s+/g, '').replace(/,(?=[}\])])/g, '');
}

/** The code of each set-up that the tests run, by its name. */
function testedLines(): Record<string, string> {
  const source = bare(read('support/libraries/set-ups.ts'));
  const starts = [...source.matchAll(/(?:'([^']+)'|(\w+)):\(\{[\w,]+\}:Given\)=>/g)];
  return Object.fromEntries(
    starts.map(({ 0: start, 1: quoted, 2: word, index }, entry) => {
      const end = starts[entry + 1]?.index ?? source.lastIndexOf('};');
      return [quoted ?? word, source.slice(index + start.length, end).replace(/,$/, '')];
    }),
  );
}

it('each line is one that the tests run, and each that they run is there', () => {
  const shown = Object.fromEntries(rows.map(({ name, code }) => [bare(name), bare(code)]));
  assert.equal(shown, testedLines());
  assert.equal(Object.keys(shown), Object.keys(setUps).map(bare));
});

it('the versions are those that the tests run with', () => {
  const { devDependencies } = JSON.parse(read('package.json'));
  for (const { name, versions } of rows) {
    for (const each of versions) {
      const [dependency = '', version] = each.split(' ');
      assert.is(devDependencies[dependency], version, name);
    }
  }
});

it('the fields to list are those that the tests list', () => {
  assert.ok(guide.includes(`fields: [${libraryFields.map((field) => `'${field}'`).join(', ')}]`));
});

test.run();
