// The command line beside a server on the same key directory, what an operator's audit log has of it, and a terminal.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { verifyAuditLog } from '@sealwire/audit';
import { KeyRing, openKeyDirectory } from '@sealwire/keys';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { logKey, writeLog } from '../../../test/support/audit.ts';
import { it, sleep, within } from '../../../test/support/cases.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { itNeeding } from '../../../test/support/it-needing.ts';
import { until } from '../../../test/support/left-behind.ts';
import { needing } from '../../../test/support/needs.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { inProcess } from './support/in-process.ts';
import { keyDirectory, keysFolder, passphrase } from './support/key-directories.ts';
import { sealwire, sealwireArgs, start } from './support/programs.ts';

it('a server takes a key that was promoted on the command line, without a restart and without a failed call', async () => {
  const { folder, flags, pin } = await keyDirectory();
  const ring = await KeyRing.open(await openKeyDirectory(`${folder}/keys`, { passphrase }));
  afterwards(() => ring.close());
  ring.start();
  const server = await startSealedNode((_req, res) => void res.end('hello'), { keys: ring });
  const sealedFetch = clientOf(server);
  const call = async () => assert.is(await (await sealedFetch('/')).text(), 'hello');
  await call();

  const keys = async (command: string, ...args: readonly string[]) => {
    const { code, stdout, stderr } = await sealwire(['keys', command, ...flags, '--json', ...args]);
    assert.is(code, 0, stderr);
    return JSON.parse(String(stdout));
  };
  const [{ id }] = await keys('add', 'kem', 'X25519');
  await call();
  await sleep(1000);
  // The first thing that `rotate` does promotes it, the second retires the other one.
  const done = await keys('rotate', '--publish-lead', '1s');
  assert.equal(
    done.map(({ type }: { type: string }) => type),
    ['key.promoted', 'key.retired'],
  );
  await until(() => ring.entries.some((key) => key.id === id && key.status === 'active'), 'the promotion');
  await call();
  const { stdout } = await inProcess(['config', 'show', '--identity', pin, '--json', server.origin]);
  const { payload, faults } = JSON.parse(stdout);
  assert.equal(
    payload.keys.map(({ kid }: { kid: string }) => kid),
    [id],
  );
  assert.equal(faults, []);
  await (await clientOf(server)('/')).text();
});

it("what was done, and by whom, is in the operator's audit log", async () => {
  const { folder, done, keys } = await keyDirectory();
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(`${folder}/signer.pem`, pem, { mode: 0o600 });
  writeFileSync(`${folder}/audit.key`, randomBytes(32).toString('hex'), { mode: 0o600 });
  const log = `${folder}/operators.jsonl`;
  const audit = ['--audit', log, '--audit-key-file', `${folder}/audit.key`];
  const signer = ['--audit-signer-file', `${folder}/signer.pem`];
  await done('add', ...audit, ...signer, 'kem', 'X25519');
  await done('add', ...audit, ...signer, '--actor', 'anna', 'identity');
  const verified = await inProcess(['audit', 'verify', '--json', '--key-file', `${folder}/audit.key`, log]);
  assert.is(verified.code, 0, verified.stdout);
  const text = readFileSync(log, 'utf8');
  const events = [...text.matchAll(/"type":"(key\.\w+)".*?"purpose":"(\w+)","actor":"([^"]+)"/g)];
  assert.is(events.length, 2);
  assert.equal(events[1]?.slice(1), ['key.created', 'identity', 'anna']);
  assert.match(events[0]?.[3] as string, /^cli:./);

  const before = (await done('list', '--json')).length;
  const unsigned = await keys('add', ...audit, 'identity');
  assert.is(unsigned.code, 2);
  const wrongKey = await keys(
    'add',
    '--audit',
    log,
    '--audit-key-file',
    `${folder}/other`,
    ...signer,
    'identity',
  );
  assert.is(wrongKey.code, 2);
  const noKey = await keys('add', ...audit, '--audit-signer-file', `${folder}/audit.key`, 'identity');
  assert.match(noKey.stderr, 'no private key of Ed25519');
  chmodSync(`${folder}/signer.pem`, 0o640);
  assert.match((await keys('add', ...audit, ...signer, 'identity')).stderr, 'is open to other users');
  // What cannot be recorded does not happen.
  assert.is((await done('list', '--json')).length, before);
});

itNeeding('prlimit')('with an audit log on a full disk no key changes', async () => {
  const { folder, keys, list, idOf } = await keyDirectory();
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(`${folder}/signer.pem`, pem, { mode: 0o600 });
  writeFileSync(`${folder}/audit.key`, Buffer.from(logKey).toString('hex'), { mode: 0o600 });
  const log = `${folder}/operators.jsonl`;
  const files = ['--audit-key-file', `${folder}/audit.key`, '--audit-signer-file', `${folder}/signer.pem`];
  // Long enough that no file of the keys is longer.
  await writeLog(log, 100);
  /** Files of this process may become so large. */
  const limit = (bytes: number | 'unlimited') =>
    execFileSync('prlimit', [`--fsize=${bytes}:`, '--pid', String(process.pid)]);
  const before = await list();
  const stolen = await idOf('active');
  for (const command of [
    ['add', 'identity'],
    ['emergency', '--yes', '--', stolen],
  ]) {
    const [name = '', ...others] = command;
    // There is room for the line that says that the log was opened, and for no other.
    limit(statSync(log).size + 250);
    const { code, stdout, stderr } = await keys(name, '--audit', log, ...files, ...others);
    assert.equal([code, stdout], [1, '']);
    assert.match(stderr, 'sealwire: audit-failed: ');
    assert.equal(await list(), before);
  }
  limit('unlimited');
  assert.is((await keys('emergency', '--yes', '--audit', log, ...files, '--', stolen)).code, 0);
  assert.ok((await verifyAuditLog([log], { key: logKey })).sound);
});

needing('python3', test)(
  'on a terminal a passphrase is asked for without showing it, and yes before destroying',
  async () => {
    const { folder } = keysFolder();
    const terminal = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
    const dir = ['--dir', `${folder}/keys`];
    /** Runs a command on a terminal, and types an answer to each question. */
    const onTerminal = async (
      args: readonly string[],
      answers: readonly [question: RegExp, answer: string][],
    ) => {
      const { child, ended } = start('python3', ['-c', terminal, process.execPath, ...sealwireArgs, ...args]);
      let shown = '';
      child.stdout.on('data', (chunk) => {
        shown += chunk;
      });
      for (const [question, answer] of answers) {
        await until(() => question.test(shown), `${question}`, 15_000);
        shown = '';
        child.stdin.write(`${answer}\r`);
      }
      const { code, stdout } = await within(ended, args.join(' '), 20_000);
      assert.not.match(String(stdout), passphrase);
      return { code, stdout: String(stdout) };
    };
    const asked: [RegExp, string] = [
      /Passphrase of .*: $/,
      `${passphrase.slice(0, -1)}x\x7f${passphrase.at(-1)}`,
    ];
    const made = await onTerminal(
      ['keys', 'init', ...dir, '--suites', 'X25519'],
      [asked, [/The same again: $/, passphrase]],
    );
    assert.is(made.code, 0, made.stdout);
    const flags = [...dir, '--passphrase-file', `${folder}/passphrase`];
    const { stdout } = await inProcess(['keys', 'list', '--json', ...flags]);
    const [{ id }] = JSON.parse(stdout);
    const refused = await onTerminal(
      ['keys', 'emergency', ...flags, '--', id],
      [[/Type yes to go on: $/, 'no']],
    );
    assert.is(refused.code, 1);
    assert.match(refused.stdout, 'Nothing was done.');
    const done = await onTerminal(
      ['keys', 'emergency', ...flags, '--', id],
      [[/Type yes to go on: $/, 'yes']],
    );
    assert.is(done.code, 0, done.stdout);
    assert.match(done.stdout, 'disabled');
  },
);

test.run();
