// Whatever is changed in a log after it was written is found, with its key and with the checkpoints' public key.
import { createSecretKey } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type AuditLogReport,
  type FaultKind,
  type LogHead,
  type VerifyOptions,
  verifyAuditLog,
} from '@sealwire/audit';
import { generateSigner, isSealwireError } from '@sealwire/core';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { beginning, Chain, parseLine } from '../packages/audit/src/line.ts';
import { logKey, logPath, logSigner, openLog, sampleEvent, writeLog } from './support/audit.ts';
import { it } from './support/cases.ts';
import { failure } from './support/problems.ts';

const byKey: VerifyOptions = { key: logKey };
const bySignature: VerifyOptions = { checkpointKeys: [logSigner] };

interface Log {
  /** Contents of its files, the oldest first. */
  readonly files: readonly Buffer[];
  /** How far its writer said that it goes. */
  readonly head: LogHead;
}

/** A closed log: runs of events, with checkpoints and new files on the way. */
async function logOf(runs: readonly number[], rotate?: { bytes: number }): Promise<Log> {
  const path = logPath();
  let head: LogHead | undefined;
  const onCheckpoint = (now: LogHead) => {
    head = now;
  };
  for (const events of runs) {
    const sink = await openLog(path, { onCheckpoint, checkpoints: { lines: 7 }, ...(rotate && { rotate }) });
    for (let number = 0; number < events; number++) {
      sink.record(sampleEvent(number));
      if (rotate !== undefined) await sink.flush();
    }
    await sink.close();
  }
  const names = readdirSync(dirname(path)).sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return { files: names.map((name) => readFileSync(join(dirname(path), name))), head: head as LogHead };
}

/** Verifies contents as files. */
async function verified(files: readonly Uint8Array[], options: VerifyOptions): Promise<AuditLogReport> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-audit-'));
  try {
    const paths = files.map((_, index) => join(folder, String(index)));
    for (const [index, path] of paths.entries()) writeFileSync(path, files[index] as Uint8Array);
    return await verifyAuditLog(paths, options);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function linesOf(file: Buffer): string[] {
  return file.toString('latin1').split('\n').slice(0, -1);
}

function fileOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
}

const at = (list: { length: number }, part: number) =>
  Math.min(Math.floor(part * list.length), list.length - 1);

/** Changes a file, by two numbers below 1; undefined if that would change nothing. */
const manipulations: Record<string, (file: Buffer, a: number, b: number) => Buffer | undefined> = {
  'a byte is changed': (file, a, b) => {
    const copy = Buffer.from(file);
    const index = at(file, a);
    const byte = file[index] as number;
    // Mostly one that leaves a line as it has to look.
    const like = [48, 65, 97].find((start) => byte >= start && byte < start + 10);
    copy[index] =
      like === undefined || b < 0.25 ? byte ^ (1 + Math.floor(b * 255)) : like + ((byte - like + 1) % 10);
    return copy;
  },
  'a line is deleted': (file, a) => fileOf(linesOf(file).toSpliced(at(linesOf(file), a), 1)),
  'a line is repeated': (file, a, b) => {
    const lines = linesOf(file);
    return fileOf(lines.toSpliced(at(lines, b), 0, lines[at(lines, a)] as string));
  },
  'two lines are swapped': (file, a, b) => {
    const lines = linesOf(file);
    const [i, j] = [at(lines, a), at(lines, b)];
    if (i === j) return undefined;
    return fileOf(lines.with(i, lines[j] as string).with(j, lines[i] as string));
  },
  'the end is cut off': (file, a) => file.subarray(0, at(file, a)),
};

/** Without the key nothing vouches for the MAC of the very last line. */
function onlyLastMac(log: Log, which: number, changed: Buffer): boolean {
  const original = log.files[which] as Buffer;
  const start = original.lastIndexOf(',"mac":"') + 8;
  return (
    which === log.files.length - 1 &&
    changed.length === original.length &&
    changed.subarray(0, start).equals(original.subarray(0, start)) &&
    changed.subarray(-3).equals(original.subarray(-3))
  );
}

// Doubles would mostly be next to 0.
const part = fc.noBias(fc.nat({ max: 2 ** 31 - 1 }).map((number) => number / 2 ** 31));

for (const [name, change] of Object.entries(manipulations)) {
  it(`a log is sound until ${name}`, async () => {
    const log = await logOf([30]);
    const several = await logOf([9, 0, 12], { bytes: 2000 });
    assert.ok(several.files.length > 3);
    for (const options of [byKey, bySignature, { ...byKey, ...bySignature }]) {
      const kept = { ...options, expect: several.head };
      assert.equal((await verified(log.files, options)).faults, []);
      assert.equal((await verified(several.files, kept)).faults, []);
      await fc.assert(
        fc.asyncProperty(part, part, part, async (which, a, b) => {
          for (const [each, checks] of [
            [log, options],
            [several, kept],
          ] as const) {
            const index = at(each.files, which);
            const changed = change(each.files[index] as Buffer, a, b);
            if (changed === undefined || (checks.key === undefined && onlyLastMac(each, index, changed)))
              continue;
            const { sound } = await verified(each.files.toSpliced(index, 1, changed), checks);
            assert.not.ok(sound, `${name} in file ${index}: ${changed.toString('latin1')}`);
          }
        }),
        { numRuns: 60 },
      );
    }
  });
}

it('every byte of a last line can be changed: that is a fault, and never an exception', async () => {
  const { files } = await logOf([1]);
  const text = files[0] as Buffer;
  const start = text.lastIndexOf('\n', -2) + 1;
  assert.match(String(text.subarray(start)), /^\{"seq":2,.*"checkpoint":/);
  const options = { ...byKey, ...bySignature };
  assert.ok((await verified([text], options)).sound);
  for (let at = start; at < text.length; at++) {
    for (const bit of [1, 32]) {
      const copy = Buffer.from(text);
      copy[at] = (copy[at] as number) ^ bit;
      assert.not.ok((await verified([copy], options)).sound, String(copy.subarray(start)));
    }
  }
});

it('lines of another shape are a fault, whoever can compute a MAC for them', async () => {
  const time = 1;
  const checkpoint = { time, lines: 0, hash: '', closing: true, alg: 'ed25519', key: '', sig: '' };
  const shapes: object[] = [
    { event: null },
    { event: {} },
    { opened: { time, torn: 'none' } },
    { opened: { time: '1' } },
    { checkpoint: { ...checkpoint, time: undefined } },
    { checkpoint: { ...checkpoint, time: -1 } },
    { checkpoint: { ...checkpoint, lines: 0.5 } },
    { checkpoint: { ...checkpoint, closing: 1 } },
    { checkpoint: { ...checkpoint, sig: 1 } },
    { event: { time }, opened: { time } },
    {},
  ];
  const write = (content: object) =>
    Buffer.from(new Chain(createSecretKey(logKey), 0, beginning).next(content as never));
  assert.equal(
    (await verified([write({ opened: { time } })], byKey)).faults.map(({ kind }) => kind),
    ['open-end'],
  );
  for (const shape of shapes) {
    const { faults } = await verified([write(shape)], { ...byKey, ...bySignature });
    assert.is(faults[0]?.kind, 'unreadable', JSON.stringify(shape));
  }
});

it('a signature that is spelt otherwise is found: some spellings decode to the same bytes', async () => {
  const { files } = await logOf([3]);
  assert.ok((await verified(files, bySignature)).sound);
  const text = String(files[0]);
  const end = text.lastIndexOf('"sig":"') + 7 + 86;
  const last = text[end - 1] as string;
  // Its two lowest of four unused bits.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const other = alphabet[alphabet.indexOf(last) ^ 1] as string;
  const respelt = Buffer.from(text.slice(0, end - 1) + other + text.slice(end));
  assert.not.ok((await verified([respelt], bySignature)).sound);
});

it('a file that is missing is found, the first and the last, too', async () => {
  const { files, head } = await logOf([20], { bytes: 1000 });
  assert.ok(files.length > 3);
  for (const options of [byKey, bySignature]) {
    for (const [index] of files.entries())
      assert.not.ok((await verified(files.toSpliced(index, 1), { ...options, expect: head })).sound);
    // Unless it was put away, and who verifies says so.
    const from = parseLine(Buffer.from(linesOf(files[1] as Buffer)[0] as string))?.seq as number;
    assert.equal((await verified(files.slice(1), { ...options, from })).faults, []);
    assert.not.ok((await verified(files.slice(1), { ...options, from: from + 1 })).sound);
  }
});

it('files may be named in any order', async () => {
  const { files } = await logOf([20], { bytes: 1000 });
  assert.ok((await verified(files.toReversed(), byKey)).sound);
});

it('what is found is named by its kind and its line', async () => {
  const { files, head } = await logOf([20]);
  const lines = linesOf(files[0] as Buffer);
  const edited = lines.with(4, (lines[4] as string).replace('"bytes":3', '"bytes":4'));
  const found = async (changed: readonly string[], options: VerifyOptions = byKey) =>
    (await verified([fileOf(changed)], options)).faults.map(({ kind, line }) => [kind, line]);
  const cases: [unknown, [FaultKind, number][]][] = [
    [await found(edited), [['edited', 5]]],
    // Without the key it shows in the line behind.
    [await found(edited, bySignature), [['edited', 6]]],
    [await found(lines.toSpliced(4, 1)), [['gap', 5]]],
    [
      await found(lines.toSpliced(4, 0, lines[2] as string)),
      [
        ['order', 5],
        ['gap', 6],
      ],
    ],
    [await found(lines.slice(0, -1)), [['open-end', lines.length - 1]]],
    [await found(lines.slice(0, -1), { ...byKey, expect: head }), [['cut', lines.length - 1]]],
    [await found(lines.toSpliced(4, 0, 'nonsense')), [['unreadable', 5]]],
  ];
  for (const [actual, expected] of cases) assert.equal(actual, expected);
});

it('who writes the chain anew without the key is found by key and by signature', async () => {
  const { files } = await logOf([20]);
  const { createSecretKey } = await import('node:crypto');
  const forge = new Chain(createSecretKey(Buffer.alloc(32, 1)), 0, Buffer.alloc(32).toString('base64url'));
  const forged = linesOf(files[0] as Buffer).map((line) => {
    const content = parseLine(Buffer.from(line))?.content as Parameters<Chain['next']>[0];
    return forge.next('event' in content ? { event: { ...content.event, time: 1 } } : content).trimEnd();
  });
  for (const [options, kind] of [
    [byKey, 'edited'],
    [bySignature, 'signature'],
  ] as const) {
    const { sound, faults, vouched } = await verified([fileOf(forged)], options);
    assert.not.ok(sound);
    assert.is(faults[0]?.kind, kind);
    if (options === bySignature) assert.is(vouched, 0);
  }
});

it('a checkpoint by a key that was not named vouches for nothing', async () => {
  const { files } = await logOf([3]);
  const { faults, vouched } = await verified(files, { checkpointKeys: [await generateSigner()] });
  assert.equal([faults.map(({ kind }) => kind), vouched], [['signature', 'open-end'], 0]);
});

it('a log that is being written is sound as far as is known elsewhere', async () => {
  const path = logPath();
  let kept: LogHead | undefined;
  const sink = await openLog(path, {
    checkpoints: { lines: 5 },
    onCheckpoint: (head) => {
      kept ??= head;
    },
  });
  for (let number = 0; number < 8; number++) {
    sink.record(sampleEvent(number));
    await sink.flush();
  }
  const expect = kept as LogHead;
  for (const options of [byKey, bySignature]) {
    assert.equal(
      (await verifyAuditLog([path], options)).faults.map(({ kind }) => kind),
      ['open-end'],
    );
    const report = await verifyAuditLog([path], { ...options, expect });
    assert.equal([report.faults, report.closed], [[], false]);
    assert.is(report.vouched, options === byKey ? report.lines : expect.lines);
    // A report may be expected as well.
    assert.ok((await verifyAuditLog([path], { ...options, expect: report })).sound);
  }
  await sink.close();
});

it('garbage of every size is unreadable, and costs no memory', async () => {
  const { files } = await logOf([3]);
  for (const garbage of [Buffer.alloc(1, 10), Buffer.alloc(5_000_000, 97), Buffer.alloc(100, 0xff)]) {
    const { faults } = await verified([Buffer.concat([files[0] as Buffer, garbage])], byKey);
    assert.equal(
      faults.map(({ kind }) => kind),
      ['unreadable'],
    );
  }
  assert.equal(
    (await verified([Buffer.alloc(0)], byKey)).faults.map(({ kind }) => kind),
    ['open-end'],
  );
});

it('to verify against nothing is refused', async () => {
  const path = logPath();
  await writeLog(path, 1);
  assert.ok(existsSync(path));
  assert.ok(isSealwireError(await failure(verifyAuditLog([path], {})), 'invalid-option'));
  assert.ok(isSealwireError(await failure(verifyAuditLog([], byKey)), 'invalid-option'));
  assert.ok((await verifyAuditLog([path], byKey)).sound);
  for (const wrong of [
    { key: new Uint8Array(5) },
    { ...byKey, keys: [] },
    { ...byKey, checkpointKeys: null },
    { checkpointKeys: [null] },
    { ...byKey, expect: null },
    { ...byKey, from: -1 },
  ]) {
    const error = await failure(verifyAuditLog([path], wrong as VerifyOptions));
    assert.ok(isSealwireError(error, 'invalid-option'), Object.keys(wrong).join());
  }
});

test.run();
