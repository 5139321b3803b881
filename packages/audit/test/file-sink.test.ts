// The log as a file: what stands in it, when there are checkpoints and new files, and who may write it.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { generateSigner, isSealwireError } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  eventsOf,
  keyEvent,
  linesOf,
  logKey,
  logPath,
  logSigner,
  openLog,
  sampleEvent,
  writeLog,
} from '../../../test/support/audit.ts';
import { it } from '../../../test/support/cases.ts';
import { until } from '../../../test/support/left-behind.ts';
import { failure } from '../../../test/support/problems.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { type FileSinkOptions, fileSink, type LogHead, verifyAuditLog } from '../src/index.ts';

const keys = { key: logKey, checkpointKeys: [logSigner] };

function kindsOf(path: string): string[] {
  return linesOf(path).map(
    (line) => Object.keys(line).find((name) => !['seq', 'prev', 'mac'].includes(name)) as string,
  );
}

function filesOf(path: string): string[] {
  const folder = dirname(path);
  return readdirSync(folder)
    .filter((name) => !name.endsWith('.lock'))
    .map((name) => `${folder}/${name}`);
}

it('every event is a line, between one that opens the log and a checkpoint that closes it', async () => {
  const path = logPath();
  await writeLog(path, 3);
  assert.equal(kindsOf(path), ['opened', 'event', 'event', 'event', 'checkpoint']);
  assert.equal(
    linesOf(path).map(({ seq }) => seq),
    [0, 1, 2, 3, 4],
  );
  assert.equal(
    eventsOf(path)[2],
    JSON.parse(JSON.stringify({ ...sampleEvent(2), time: eventsOf(path)[2]?.time })),
  );
  assert.is(statSync(path).mode & 0o777, 0o600);
  const report = await verifyAuditLog([path], keys);
  assert.equal([report.sound, report.events, report.lines, report.closed], [true, 3, 5, true]);
});

it('what was flushed is in the file', async () => {
  const path = logPath();
  for (const sync of ['always', 'flush'] as const) {
    const sink = await openLog(path, { sync });
    sink.record(keyEvent());
    await sink.flush();
    assert.is(eventsOf(path).at(-1)?.type, 'key.created');
    await sink.close();
  }
  assert.is(eventsOf(path).length, 2);
});

it('a restart goes on with the chain', async () => {
  const path = logPath();
  for (let run = 0; run < 3; run++) await writeLog(path, 2);
  assert.equal(kindsOf(path).filter((kind) => kind === 'opened').length, 3);
  assert.equal((await verifyAuditLog([path], keys)).faults, []);
});

it('checkpoints come by lines and by time, and are handed out once they are written', async () => {
  const path = logPath();
  const given: LogHead[] = [];
  const onCheckpoint = (head: LogHead) => given.push(head);
  const sink = await openLog(path, { onCheckpoint, checkpoints: { lines: 10, minutes: 0.001 } });
  for (let number = 0; number < 10; number++) sink.record(sampleEvent(number));
  await sink.flush();
  assert.is(given.length, 1);
  sink.record(sampleEvent(10));
  await until(() => given.length === 2, 'a checkpoint by time');
  // None without a line to sign.
  await sink.flush();
  await sink.close();
  const checkpoints = linesOf(path).filter(({ checkpoint }) => checkpoint !== undefined);
  assert.equal(
    checkpoints.map(({ seq, checkpoint }) => [seq + 1, checkpoint.closing]),
    given.map(({ lines }, index) => [lines, index === 2]),
  );
  for (const expect of given) assert.ok((await verifyAuditLog([path], { ...keys, expect })).sound);
});

it('a file that is full is put away, and the chain goes on in the next, also over restarts', async () => {
  const path = logPath();
  for (let run = 0; run < 3; run++) {
    const sink = await openLog(path, { rotate: { bytes: 4000 } });
    for (let number = 0; number < 20; number++) {
      sink.record(sampleEvent(number));
      await sink.flush();
    }
    await sink.close();
  }
  const files = filesOf(path);
  assert.ok(files.length > 4, files.join());
  const report = await verifyAuditLog(files, keys);
  assert.equal(report.faults, []);
  assert.is(report.events, 60);
  assert.is(report.files.at(-1), path);
  for (const file of files) assert.is(kindsOf(file)[0], 'opened');
  // Each that was put away ends with a signature.
  for (const file of report.files.slice(0, -1)) assert.is(kindsOf(file).at(-1), 'checkpoint');
});

it('a day has a file of its own', async () => {
  const path = logPath();
  let now = Date.UTC(2026, 0, 1, 23, 59);
  const sink = await openLog(path, { rotate: { daily: true }, clock: () => now });
  for (let hour = 0; hour < 50; hour += 10) {
    sink.record(sampleEvent(hour));
    await sink.flush();
    now += 10 * 3_600_000;
  }
  await sink.close();
  assert.is(filesOf(path).length, 3);
  assert.equal((await verifyAuditLog(filesOf(path), keys)).faults, []);
});

it('a log whose latest file was put away and not begun anew goes on', async () => {
  const path = logPath();
  await writeLog(path, 5);
  renameSync(path, `${path}.000000000000`);
  await writeLog(path, 5);
  assert.is(linesOf(path)[0].seq, 7);
  assert.equal((await verifyAuditLog(filesOf(path), keys)).faults, []);
});

it('one process writes a file at a time', async () => {
  const path = logPath();
  const sink = await openLog(path);
  assert.ok(isSealwireError(await failure(openLog(path)), 'audit-failed'));
  await sink.close();
  assert.not.ok(existsSync(`${path}.lock`));
  // Held on another machine, of whose processes nothing is known.
  writeFileSync(`${path}.lock`, '1 elsewhere.example.com\n');
  const refusal = await failure(openLog(path));
  assert.match(
    String(refusal),
    /process 1 on elsewhere\.example\.com; if that is gone, delete .*audit\.jsonl\.lock/,
  );
});

// Elsewhere nothing tells one start of the machine from the next.
if (process.platform === 'linux')
  it('a lock that is older than the machine has been up holds up nobody, whoever has its number now', async () => {
    const path = logPath();
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    writeFileSync(`${path}.lock`, `${process.ppid} ${hostname()} ${boot}\n`);
    assert.ok(isSealwireError(await failure(openLog(path)), 'audit-failed'));
    writeFileSync(`${path}.lock`, `${process.ppid} ${hostname()} ${boot.replace(/.$/, 'x')}\n`);
    await writeLog(path, 1);
    assert.not.ok(existsSync(`${path}.lock`));
  });

it('a log of another key, or with a changed end, is not gone on with', async () => {
  const path = logPath();
  await writeLog(path, 2);
  const other = await failure(openLog(path, { key: new Uint8Array(32) }));
  assert.ok(isSealwireError(other, 'audit-failed'));
  writeFileSync(path, readFileSync(path, 'utf8').replace('"closing":true', '"closing":false'));
  assert.ok(isSealwireError(await failure(openLog(path)), 'audit-failed'));
  assert.not.ok(existsSync(`${path}.lock`));
});

it('a signer that fails costs a checkpoint, not a line', async () => {
  const path = logPath();
  let broken = true;
  const signer = {
    ...logSigner,
    sign: async (data: Uint8Array) => {
      if (broken) throw new Error('the HSM is away');
      return logSigner.sign(data);
    },
  };
  const sink = await openLog(path, { signer, checkpoints: { lines: 1 } });
  sink.record(sampleEvent(0));
  await sink.flush();
  assert.equal(kindsOf(path), ['opened', 'event']);
  broken = false;
  sink.record(sampleEvent(1));
  await sink.flush();
  assert.equal(kindsOf(path), ['opened', 'event', 'event', 'checkpoint']);
  broken = true;
  assert.ok(isSealwireError(await failure(sink.close()), 'audit-failed'));
  assert.not.ok(existsSync(`${path}.lock`));
});

it('what cannot be written is said to who waits, and written once it can be', async () => {
  const path = logPath();
  const sink = await openLog(path, { rotate: { bytes: 1 } });
  // It has to put the file away after every line, where something else is.
  const inTheWay = `${path}.000000000000`;
  mkdirSync(inTheWay);
  sink.record(sampleEvent(0));
  assert.ok(isSealwireError(await failure(sink.flush()), 'audit-failed'));
  rmSync(inTheWay, { recursive: true });
  sink.record(sampleEvent(1));
  await sink.close();
  const report = await verifyAuditLog(filesOf(path), keys);
  assert.equal([report.faults, report.events], [[], 2]);
});

it('a closed log takes nothing, and says so', async () => {
  const path = logPath();
  const sink = await openLog(path);
  await sink.close();
  await sink.close();
  sink.record(sampleEvent(0));
  assert.ok(isSealwireError(await failure(sink.flush()), 'audit-failed'));
  assert.equal(eventsOf(path), []);
});

it('the key may come from a function', async () => {
  const path = logPath();
  await writeLog(path, 1, { key: async () => logKey });
  assert.ok((await verifyAuditLog([path], keys)).sound);
});

it('a file that somebody else moves, empties or removes while it is written is noticed, and the chain goes on', async () => {
  const warnings: string[] = [];
  const hear = ({ message }: Error) => void warnings.push(message);
  process.on('warning', hear);
  afterwards(() => process.off('warning', hear));
  const path = logPath();
  const sink = await openLog(path);
  const write = async () => {
    sink.record(keyEvent());
    await sink.flush();
  };
  await write();
  renameSync(path, `${path}.1`);
  await write();
  // As logrotate leaves it.
  renameSync(path, `${path}.2`);
  writeFileSync(path, '', { mode: 0o600 });
  await write();
  // Or so.
  copyFileSync(path, `${path}.3`);
  truncateSync(path);
  await write();
  assert.is(warnings.filter((text) => text.includes('moved, removed or cut')).length, 3);
  renameSync(path, `${path}.4`);
  await sink.close();
  const report = await verifyAuditLog(filesOf(path), keys);
  assert.equal([report.sound, report.events, report.closed], [true, 4, true]);
  rmSync(`${path}.2`);
  assert.not.ok((await verifyAuditLog(filesOf(path), keys)).sound);
});

it('without its folder the log fails who waits for it, and goes on when that is there again', async () => {
  const path = logPath();
  const sink = await openLog(path);
  const folder = dirname(path);
  renameSync(folder, `${folder}.away`);
  sink.record(keyEvent());
  assert.ok(isSealwireError(await failure(sink.flush()), 'audit-failed'));
  renameSync(`${folder}.away`, folder);
  await sink.flush();
  await sink.close();
  const report = await verifyAuditLog([path], keys);
  assert.equal([report.sound, report.events], [true, 1]);
});

it('options that are not valid are refused', async () => {
  const signer = await generateSigner();
  const wrong: unknown[] = [
    { signer, key: logKey, clock: 1 },
    { signer, key: new Uint8Array(31) },
    { signer, key: 'a text' },
    { key: logKey },
    { signer, key: logKey, sync: 'never' },
    null,
    { signer, key: logKey, rotat: { daily: true } },
    { signer, key: logKey, rotate: null },
    { signer, key: logKey, checkpoints: null },
    { signer, key: logKey, checkpoints: { line: 5 } },
    { signer, key: logKey, checkpoints: { minutes: '5' } },
    { signer, key: logKey, onCheckpoint: true },
    { signer, key: logKey, checkpoints: { lines: 0 } },
    { signer, key: logKey, rotate: { bytes: Number.NaN } },
    // Beyond what a timer of Node can wait for, it does not wait at all.
    { signer, key: logKey, checkpoints: { minutes: 2 ** 31 / 60_000 } },
  ];
  for (const options of wrong) {
    const error = await failure(fileSink(logPath(), options as FileSinkOptions));
    assert.ok(isSealwireError(error, 'invalid-option'), JSON.stringify(options));
  }
});

test.run();
