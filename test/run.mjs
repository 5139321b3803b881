// Runs checks and tests. uvu has no time-outs, exits 0 when a file forgets `.run()`, and hangs on an open server: so
// every file runs in a process of its own that has to say how many tests it ran, in time, and then to end by itself.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shownTables, tablesOf, withCounts } from '../scripts/compatibility.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Fewer tests than this in a whole run: some were lost. */
const minimumTests = 3000;
/** How long a file may take, and how long its process may live after its last test, in milliseconds. */
const timeLimit = 240_000;
const lingerLimit = 5000;
/** `all`: everything a test may need has to be there, and a skipped test is a failure. */
const requireAll = process.env.SEALWIRE_REQUIRE === 'all';
/** Needs that may be missing even so, separated by commas. */
const optional = (process.env.SEALWIRE_OPTIONAL ?? '').split(',');

const patterns = process.argv.slice(2);
const unwanted = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
const named = patterns.filter((pattern) => !pattern.startsWith('!'));
const wanted = (file) =>
  !unwanted.some((part) => file.includes(part)) &&
  (named.length === 0 || named.some((part) => file.includes(part)));

const jobs = [...checks(), ...testFiles()].filter(({ name }) => wanted(name));
const totals = { passed: 0, failed: 0, skipped: 0 };
const skippedTests = [];
const queue = [...jobs];
/** What test processes know of secrets, heard of events, and printed. */
const records = mkdtempSync(join(tmpdir(), 'sealwire-records-'));
process.env.SEALWIRE_RECORDS = records;
await withCounts(async (folder) => {
  process.env.SEALWIRE_MATRIX ??= folder;
  // One more than there are processors: some tests wait more than they work.
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, () => work()));
  if (patterns.length === 0) compareTables();
});
if (jobs.some(({ check }) => !check)) await judgeRecords();
rmSync(records, { recursive: true });
summarise();

function checks() {
  return readdirSync(`${root}test/checks`)
    .filter((file) => file.endsWith('.mjs'))
    .map((file) => ({ name: `test/checks/${file}`, check: true, args: [`${root}test/checks/${file}`] }));
}

function testFiles() {
  const places = ['packages', 'examples'].flatMap((folder) =>
    readdirSync(root + folder).map((name) => `${folder}/${name}/test`),
  );
  return [...places, 'test'].flatMap((folder) =>
    list(folder).map((file) => ({
      name: `${folder}/${file}`,
      check: false,
      args: ['--import', 'tsx', '--conditions=sealwire-source', `${root}${folder}/${file}`],
    })),
  );
}

function list(folder) {
  try {
    return readdirSync(root + folder)
      .filter((file) => file.endsWith('.test.ts'))
      .sort();
  } catch {
    return [];
  }
}

async function work() {
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) await runJob(job);
}

async function runJob(job) {
  const began = Date.now();
  const { output, code, problem } = await runProcess(job);
  const took = ((Date.now() - began) / 1000).toFixed(1);
  if (!job.check) writeFileSync(join(records, `${job.name.replaceAll('/', '-')}.output`), output);
  const counted = job.check ? { total: 1, passed: code === 0 ? 1 : 0, skipped: 0 } : countTests(output);
  const ranNone = counted.total + counted.skipped === 0;
  const trouble = problem ?? (ranNone ? 'ran no test: is .run() missing?' : undefined);
  let failed = counted.total - counted.passed;
  if (failed === 0 && (trouble !== undefined || code !== 0)) failed = 1;
  totals.passed += counted.passed;
  totals.failed += failed;
  totals.skipped += counted.skipped;
  skippedTests.push(...output.split('\n').filter((line) => line.startsWith('SKIPPED ')));
  console.log(
    `${failed > 0 ? 'FAIL' : 'ok  '} ${job.name} (${counted.passed} of ${counted.total}, ${took} s)`,
  );
  if (trouble !== undefined) console.log(`     ${trouble}`);
  if (failed > 0) console.log(output.replace(/^/gm, '     '));
}

function runProcess({ args, check }) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let problem;
    const kill = (reason) => {
      problem = reason;
      child.kill('SIGKILL');
    };
    const limit = setTimeout(kill, timeLimit, `took longer than ${timeLimit / 1000} s`);
    let linger;
    const collect = (chunk) => {
      output += chunk;
      if (!check && linger === undefined && /^ {2}Skipped:/m.test(output)) {
        linger = setTimeout(kill, lingerLimit, 'did not end after its last test: something is still open');
      }
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('close', (code) => {
      clearTimeout(limit);
      clearTimeout(linger);
      resolve({ output, code: code ?? 1, problem });
    });
  });
}

/** What uvu says at the end of a file; its total leaves out what was skipped. */
function countTests(output) {
  const read = (label) => Number(output.match(new RegExp(`^ {2}${label}: +(\\d+)`, 'm'))?.[1] ?? 0);
  return { total: read('Total'), passed: read('Passed'), skipped: read('Skipped') };
}

/** No secret that a test knew is in anything that was printed or recorded, and every event is one of the schema. */
async function judgeRecords() {
  const script = `${root}test/support/check-records.ts`;
  const args = ['--import', 'tsx', '--conditions=sealwire-source', script, records];
  await runJob({ name: 'what was printed and recorded', check: true, args });
}

/** The README shows what the matrices counted in this run. */
function compareTables() {
  if (tablesOf(process.env.SEALWIRE_MATRIX) === shownTables()) return;
  console.log('FAIL the compatibility tables of README.md are not what was counted: npm run compatibility');
  totals.failed++;
}

function summarise() {
  if (jobs.length === 0) console.log(`No file's name contains ${patterns.join(' or ')}`);
  const ran = totals.passed + totals.failed + totals.skipped;
  for (const line of skippedTests) console.log(line);
  if (patterns.length === 0 && ran < minimumTests) {
    console.log(`FAIL only ${ran} tests ran; there are at least ${minimumTests}`);
    totals.failed++;
  }
  const missed = skippedTests.filter((line) => !optional.includes(line.match(/^SKIPPED \(no (.+?)\)/)?.[1]));
  const notAllowed = requireAll && (missed.length > 0 || totals.skipped > skippedTests.length);
  if (notAllowed) console.log('FAIL nothing may be skipped here');
  process.exitCode = totals.failed > 0 || notAllowed || ran === 0 ? 1 : 0;
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
}
