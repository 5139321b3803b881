// The compatibility tables of the README, made of what the matrices counted: `npm run compatibility` runs them and
// writes the tables.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './bootstrap.mjs';

const readme = `${root}README.md`;
const [begin, end] = ['<!-- compatibility: npm run compatibility -->', '<!-- /compatibility -->'];

/** The tests that count. */
const matrices = ['test/requests-', 'test/response-matrix-'];
/** The columns, in the order of test/support/stacks.ts. */
const columns = ['Express 4', 'Express 5', 'Koa 2', 'Koa 3', 'Koa 3 on http2', 'node:http2'];

const titles = { requests: 'a request read by', responses: 'a response with' };

/** Runs `run` with a folder for the matrices to count in, which is gone afterwards. */
export async function withCounts(run) {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-matrix-'));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The tables as Markdown, of what the processes left in a folder. */
export function tablesOf(folder) {
  const tables = {};
  for (const file of readdirSync(folder).sort()) {
    for (const [table, rows] of Object.entries(JSON.parse(readFileSync(join(folder, file), 'utf8')))) {
      for (const [row, cells] of Object.entries(rows)) {
        for (const [column, { agreed, of }] of Object.entries(cells)) {
          tables[table] ??= {};
          tables[table][row] ??= {};
          tables[table][row][column] ??= { agreed: 0, of: 0 };
          const cell = tables[table][row][column];
          cell.agreed += agreed;
          cell.of += of;
        }
      }
    }
  }
  const names = Object.keys(tables).sort();
  return names.map((name) => tableOf(name, tables[name])).join('\n\n');
}

/** Rows with the same results become one. */
function tableOf(name, rows) {
  const groups = new Map();
  for (const row of Object.keys(rows).sort()) {
    const cells = columns.map((column) => textOf(rows[row][column])).join(' | ');
    groups.set(cells, [...(groups.get(cells) ?? []), row]);
  }
  const lines = [...groups].map(([cells, names]) => `| ${names.join(', ')} | ${cells} |`);
  return [
    `| ${titles[name] ?? name} | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => ':-:|').join('')}`,
    ...lines,
  ].join('\n');
}

function textOf(cell) {
  if (cell === undefined) return '–';
  return cell.agreed === cell.of ? '✓' : `${cell.agreed} of ${cell.of}`;
}

/** What the README shows now. */
export function shownTables() {
  const text = readFileSync(readme, 'utf8');
  return text.slice(text.indexOf(begin) + begin.length, text.indexOf(end)).trim();
}

function show(tables) {
  const text = readFileSync(readme, 'utf8');
  const [before, after] = [text.slice(0, text.indexOf(begin) + begin.length), text.slice(text.indexOf(end))];
  writeFileSync(readme, `${before}\n${tables}\n${after}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await withCounts((folder) => {
    const env = { ...process.env, SEALWIRE_MATRIX: folder };
    const { status } = spawnSync(process.execPath, [`${root}test/run.mjs`, ...matrices], {
      env,
      stdio: 'inherit',
    });
    if (status === 0) show(tablesOf(folder));
    process.exitCode = status;
  });
}
