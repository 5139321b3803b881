// A process that is killed while it writes: what was flushed is there, the chain goes on, and what was torn is on record.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { linesOf, logKey, logPath, openLog, sampleEvent, writeLog } from '../../../test/support/audit.ts';
import { it, sleep } from '../../../test/support/cases.ts';
import { damaged, unlessRefused } from '../../../test/support/damage.ts';
import { until } from '../../../test/support/left-behind.ts';
import { thrown } from '../../../test/support/problems.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { verifyAuditLog } from '../src/index.ts';

const script = fileURLToPath(new URL('support/writer.ts', import.meta.url));
const byKey = { key: logKey };

/** Starts a writer and kills it in the middle. @returns how many events it said are kept */
async function killedWriter(path: string): Promise<number> {
  const args = [
    '--import',
    'tsx',
    '--conditions=sealwire-source',
    script,
    path,
    Buffer.from(logKey).toString('hex'),
  ];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  afterwards(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout?.on('data', (chunk) => {
    said += chunk;
  });
  await until(() => said.split('\n').length > 10, 'it writes', 15_000);
  await sleep(Math.random() * 20);
  child.kill('SIGKILL');
  await once(child, 'close');
  return Number(said.trimEnd().split('\n').at(-1));
}

function filesOf(path: string): string[] {
  const names = readdirSync(dirname(path)).filter((name) => !name.endsWith('.lock'));
  return names.map((name) => join(dirname(path), name));
}

it('what a killed process had flushed is kept, and the next goes on', async () => {
  const path = logPath();
  let kept = 0;
  for (let run = 0; run < 3; run++) kept += await killedWriter(path);
  assert.ok(existsSync(`${path}.lock`));
  // It was left behind by a process that is gone.
  await writeLog(path, 1);
  const report = await verifyAuditLog(filesOf(path), byKey);
  assert.equal(report.faults, []);
  assert.ok(report.closed);
  assert.ok(report.events >= kept + 1, `${report.events} of ${kept + 1}`);
  assert.ok(report.files.length > 2);
});

it('a line that a crash broke off is on record as such, wherever it broke', async () => {
  for (const missing of [2, 60, 200]) {
    const path = logPath();
    await writeLog(path, 3);
    const whole = readFileSync(path);
    truncateSync(path, whole.length - missing);
    // Before it is opened again, nobody said so.
    assert.equal(
      (await verifyAuditLog([path], byKey)).faults.map(({ kind }) => kind),
      ['unreadable', 'open-end'],
    );
    await writeLog(path, 2);
    const report = await verifyAuditLog([path], byKey);
    assert.equal([report.faults, report.torn, report.events], [[], 1, 5], `${missing}`);
    // What is left of it stands there, and is held to be what it was.
    const text = readFileSync(path, 'latin1');
    const torn = whole.subarray(0, -missing).toString('latin1').split('\n').at(-1) as string;
    assert.ok(text.includes(`${torn}\n`));
    for (const changed of [
      text.replace(torn, torn.replace('"seq"', '"Seq"')),
      text.replace(`${torn}\n`, ''),
    ]) {
      writeFileSync(path, changed, 'latin1');
      assert.not.ok((await verifyAuditLog([path], byKey)).sound);
    }
  }
});

it('a line that lacks only its end is one', async () => {
  const path = logPath();
  await writeLog(path, 3);
  truncateSync(path, readFileSync(path).length - 1);
  await writeLog(path, 2);
  const report = await verifyAuditLog([path], byKey);
  assert.equal([report.faults, report.torn, report.events], [[], 0, 5]);
});

it('a crash while the first line is written, and one while it is resumed', async () => {
  const path = logPath();
  writeFileSync(path, '{"seq":0,"pre');
  await writeLog(path, 1);
  assert.equal((await verifyAuditLog([path], byKey)).torn, 1);
  // The line feed was written, and a part of what says why.
  appendFileSync(path, '{"seq":4,\n{"seq":4,"prev"');
  await writeLog(path, 1);
  const report = await verifyAuditLog([path], byKey);
  assert.equal([report.faults, report.torn], [[], 3]);
});

it('a crash between two files of a log loses nothing', async () => {
  const path = logPath();
  const sink = await openLog(path, { rotate: { bytes: 600 } });
  for (let number = 0; number < 4; number++) {
    sink.record(sampleEvent(number));
    await sink.flush();
  }
  await sink.close();
  // The new file was opened, but nothing written.
  const [first = ''] = filesOf(path).sort((a, b) => b.length - a.length);
  assert.ok(first.endsWith('000000000000'));
  const { seq } = linesOf(path)[0];
  const latest = `${path}.${String(seq).padStart(12, '0')}`;
  writeFileSync(latest, readFileSync(path));
  writeFileSync(path, '');
  await writeLog(path, 1);
  assert.equal((await verifyAuditLog(filesOf(path), byKey)).faults, []);
});

it('a log that was damaged anywhere is gone on with, or refused with a typed error, and always verified', async () => {
  const path = logPath();
  await writeLog(path, 2);
  const whole = readFileSync(path);
  let refused = 0;
  for (const damage of damaged(whole, 29)) {
    writeFileSync(path, damage);
    if ((await unlessRefused(() => writeLog(path, 1).then(() => true), damage)) === undefined) refused++;
    await verifyAuditLog([path], byKey);
  }
  assert.ok(refused > 0);
});

it('more rubbish than a crash leaves is no log, and each line of it is a fault', async () => {
  const path = logPath();
  for (const rubbish of ['\n'.repeat(130_000), '\0'.repeat(300_000)]) {
    writeFileSync(path, rubbish);
    assert.match((await thrown(writeLog(path, 1), 'audit-failed')).message, 'Verify it');
    assert.is(readFileSync(path, 'latin1'), rubbish);
    const { faults } = await verifyAuditLog([path], byKey);
    assert.is(faults.filter(({ kind }) => kind === 'unreadable').length, rubbish.split(/(?<=\n)/).length);
  }
});

test.run();
