// sealwire audit verify: what it says of a log, and its exit codes.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { logKey, logPath, logSigner, writeLog } from '../../../test/support/audit.ts';
import { it } from '../../../test/support/cases.ts';
import { inProcess } from './support/in-process.ts';
import { sealwire } from './support/programs.ts';

const checkpointKey = Buffer.from(logSigner.pub).toString('base64url');

/** A log of five events, and a file with its key. */
async function log(encoding: 'hex' | 'base64url' = 'base64url') {
  const path = logPath();
  await writeLog(path, 5);
  const keyFile = join(dirname(path), 'audit.key');
  writeFileSync(keyFile, `${Buffer.from(logKey).toString(encoding)}\n`, { mode: 0o600 });
  return { path, keyFile };
}

/** Runs the command in this process. */
const verify = (...args: readonly string[]) => inProcess(['audit', 'verify', ...args]);

it('a sound log is 0, and what it says can be expected next time', async () => {
  const { path, keyFile } = await log('hex');
  const first = await verify('--key-file', keyFile, path);
  assert.is(first.code, 0);
  const [, head = ''] =
    first.stdout.match(/^Sound: 5 events, 7 lines\. To expect next time: (7:\S+)$/m) ?? [];
  await writeLog(path, 1);
  for (const proof of [
    ['--key-file', keyFile],
    ['--checkpoint-key', checkpointKey],
  ]) {
    assert.is((await verify(...proof, '--expect', head, path)).code, 0);
  }
  // Cut off where the log was closed before, it is whole by itself.
  const text = readFileSync(path, 'utf8');
  const { stdout } = await verify('--key-file', keyFile, path);
  const [, later = ''] = stdout.match(/next time: (\S+)/) ?? [];
  writeFileSync(path, `${text.split('\n').slice(0, 7).join('\n')}\n`);
  assert.is((await verify('--key-file', keyFile, path)).code, 0);
  const cut = await verify('--key-file', keyFile, '--expect', later, path);
  assert.is(cut.code, 1);
  assert.match(cut.stdout, /cut: The log has 7 lines; 10 were expected/);
});

it('the program ends with the same code', async () => {
  const { path, keyFile } = await log();
  const args = ['audit', 'verify', '--key-file', keyFile, path];
  assert.is((await sealwire(args)).code, 0);
  writeFileSync(path, '');
  const { code, stdout } = await sealwire(args);
  assert.is(code, 1);
  assert.match(String(stdout), /open-end/);
  assert.is((await sealwire(['audit', 'verify', path])).code, 2);
});

it('a changed log is 1, with file, line and kind', async () => {
  const { path, keyFile } = await log();
  writeFileSync(path, readFileSync(path, 'utf8').replace('"bytes":2', '"bytes":9'));
  const { code, stdout } = await verify('--key-file', keyFile, path);
  assert.is(code, 1);
  assert.ok(stdout.startsWith(`${path}:4: edited: `), stdout);
  assert.match(stdout, /^NOT SOUND/m);
  const json = await verify('--json', '--key-file', keyFile, '--checkpoint-key', checkpointKey, path);
  assert.is(json.code, 1);
  const { sound, faults } = JSON.parse(json.stdout);
  assert.equal([sound, faults.length, faults[0].kind, faults[0].line], [false, 1, 'edited', 4]);
});

it('wrong usage is 2, and says what is right', async () => {
  const { path, keyFile } = await log();
  const shown = join(dirname(path), 'shown.key');
  writeFileSync(shown, readFileSync(keyFile), { mode: 0o644 });
  const cases: [string[], RegExp][] = [
    [[path], /--key-file or --checkpoint-key/],
    [['--key-file', keyFile], /the files of one log/],
    [['--key-file', path, path], /32 bytes/],
    [['--key-file', '/nowhere', path], /no such file/],
    [['--key-file', shown, path], /shown\.key is open to other users: chmod go-rwx/],
    [['--key-file', keyFile, '/nowhere'], /no such file/],
    [['--checkpoint-key', 'sw1', path], /public key as base64url/],
    [['--key-file', keyFile, '--expect', '7', path], /LINES:HASH/],
    [['--key-file', keyFile, '--from', '-1', path], /--from takes a number/],
  ];
  for (const [args, text] of cases) {
    const { code, stderr } = await verify(...args);
    assert.is(code, 2);
    assert.match(stderr, text);
  }
});

it('help knows of commands of two words', async () => {
  const { code, stdout } = await sealwire(['help', 'audit', 'verify']);
  assert.is(code, 0);
  assert.match(String(stdout), /^Usage: sealwire audit verify FILE… \[flags\]/);
  for (const args of [['audit'], ['help', 'audit', 'delete']]) {
    const { code, stderr } = await sealwire(args);
    assert.is(code, 2);
    assert.match(stderr, /There is no command "audit.*", but "audit verify"/);
  }
});

test.run();
