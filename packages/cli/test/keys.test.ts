// Keys of a key directory on the command line: their whole life, and what is refused on the way.
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createKeyDirectory, storageFromEnvironment } from '@sealwire/keys';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, sleep } from '../../../test/support/cases.ts';
import { findKey, prefixLength } from '../src/keys/ids.ts';
import { inProcess } from './support/in-process.ts';
import { keyDirectory, keysFolder, type ListedKey, passphrase } from './support/key-directories.ts';
import { sealwire } from './support/programs.ts';

it('a key lives from add to destroy, and each step says when it may be taken', async () => {
  const { folder, keys, done, list, idOf } = await keyDirectory();
  const old = await idOf('active');
  const added = JSON.parse(await done('add', '--json', 'kem', 'X25519'));
  const id = await idOf('pending');
  assert.equal(added, [{ type: 'key.created', id, purpose: 'kem' }]);
  assert.ok(existsSync(`${folder}/keys/key-${id}.pem`));

  const early = await keys('promote', '--', id);
  assert.is(early.code, 1);
  const { next } = (await list()).find((key) => key.id === id) as ListedKey;
  assert.is(next?.step, 'promote');
  const due = new Date(next?.from as number).toISOString();
  assert.match(early.stderr, `sealwire: key-state: `);
  assert.match(early.stderr, `promote it from ${due} on`);
  await sleep(1000);
  assert.match(
    await done('promote', '--publish-lead', '1s', '--', id),
    /^\S{8} {2}promoted {2}kem X25519\n$/,
  );

  assert.match(await done('retire', '--', old), 'retired');
  const used = await keys('disable', '--', old);
  assert.is(used.code, 1);
  assert.match(used.stderr, 'Somebody may still use it: disable it from ');
  await sleep(1000);
  await done('disable', '--overlap', '1s', '--', old);
  assert.match(await done('destroy', '--yes', '--', old), 'destroyed');
  assert.not.ok(existsSync(`${folder}/keys/key-${old}.pem`));
  assert.match(await done('destroy', '--yes', '--', old), 'Nothing to do: the key is destroyed.');
  const statuses = (await list()).filter(({ purpose }) => purpose === 'kem').map(({ status }) => status);
  assert.equal(statuses, ['destroyed', 'active']);
});

it('what is due by the policy is done by one command, and nothing else', async () => {
  const { keys, done, list } = await keyDirectory();
  assert.is(await done('rotate'), 'Nothing is due.\n');
  await sleep(1000);
  const policy = ['--max-age', '1s', '--publish-lead', '1s', '--overlap', '1s', '--keep-history', '0s'];
  assert.match(await done('rotate', ...policy), 'created  kem X25519');
  await sleep(1000);
  const [promoted, retired] = (await done('rotate', ...policy)).split('\n');
  assert.match(promoted as string, 'promoted');
  assert.match(retired as string, 'retired');
  assert.match(await done('list', ...policy), /retiring .* disabled in 1 s \(20/);
  const wrong = await keys('rotate', '--max-age', '30 days');
  assert.is(wrong.code, 2);
  assert.match(wrong.stderr, '--max-age takes a time like 30d');
  assert.is((await keys('rotate', '--publish-lead', '0s')).code, 2);
  assert.is((await list()).length, 3);
});

it('a list is a table whose ids other commands take', async () => {
  const { done, idOf, pin } = await keyDirectory();
  const [head, kem, identity, ...others] = (await done('list')).split('\n');
  assert.match(head as string, /^ID +PURPOSE +ALGORITHM +STATUS +SINCE +NEXT$/);
  assert.match(kem as string, /^\S{8} +kem +X25519 +active +20\S+Z +successor in \d+ d \(20\S+Z\)$/);
  assert.match(identity as string, /^\S{8} +identity +Ed25519 +active +20\S+Z +-$/);
  assert.equal(others, ['']);
  const [short = ''] = (identity as string).split(' ');
  const shown = JSON.parse(await done('export-public', '--', short));
  assert.equal([shown.id, shown.pin], [await idOf('active', 'identity'), pin]);
  assert.is('secret' in shown, false);
});

it('a beginning that several ids have is refused, and so is one that none has', async () => {
  const { keys, done, list } = await keyDirectory();
  let twins: string[] = [];
  while (twins.length < 2) {
    await done('add', 'audit');
    const ids = (await list()).map(({ id }) => id);
    twins = ids.map((id) => ids.filter((other) => other[0] === id[0])).find(({ length }) => length > 1) ?? [];
  }
  const [first = ''] = twins[0] as string;
  const { code, stderr } = await keys('retire', '--', first);
  assert.is(code, 2);
  assert.match(stderr, `2 ids begin with ${first}: `);
  for (const id of twins) assert.match(stderr, id);
  for (const none of ['-nobody-', '']) {
    const refused = await keys('retire', '--', none);
    assert.is(refused.code, 2);
    assert.match(refused.stderr, `no key whose id begins with ${JSON.stringify(none)}`);
  }
  assert.is((await keys('retire')).code, 2);
});

it('short ids are as long as they have to be', () => {
  const entries = ['aaaaaaaaab', 'aaaaaaaaac', 'baaaaaaaaa'].map(
    (id) => ({ id }) as Parameters<typeof findKey>[0][0],
  );
  assert.is(prefixLength(entries), 10);
  assert.is(prefixLength(entries.slice(1)), 8);
  assert.is(findKey(entries, 'b').id, 'baaaaaaaaa');
});

it('an emergency replaces a key at once; the only identity cannot be taken out so', async () => {
  const { done, keys, list, idOf } = await keyDirectory();
  const stolen = await idOf('active');
  const events = JSON.parse(await done('emergency', '--json', '--yes', '--', stolen));
  const types = events.map(({ type }: { type: string }) => type);
  assert.equal(types, ['key.created', 'key.promoted', 'key.disabled']);
  assert.match(await done('list'), `disabled, revoked`);
  assert.is.not(await idOf('active'), stolen);
  const refused = await keys('emergency', '--yes', '--', await idOf('active', 'identity'));
  assert.is(refused.code, 1);
  assert.match(refused.stderr, 'Add and promote another identity first');
  assert.is((await list()).length, 3);
});

it('an identity changes: both sign, then the new one alone', async () => {
  const { flags, done, idOf, pin } = await keyDirectory();
  const old = await idOf('active', 'identity');
  await done('add', 'identity');
  await done('promote', '--', await idOf('pending', 'identity'));
  const pins = async () => (await inProcess(['pin', ...flags])).stdout.trim().split('\n');
  const both = await pins();
  assert.equal([both.length, both[0]], [2, pin]);
  await done('retire', '--', old);
  assert.equal(await pins(), both.slice(1));
  const neither = await inProcess(['pin']);
  assert.is(neither.code, 2);
  assert.is((await inProcess(['pin', ...flags, 'https://api.example.com'])).code, 2);
});

it('what cannot be taken back wants --yes where nobody can be asked', async () => {
  const { flags, idOf } = await keyDirectory();
  const id = await idOf('active');
  for (const step of ['destroy', 'emergency']) {
    const { code, stderr, stdout } = await sealwire(['keys', step, ...flags, '--', id]);
    assert.equal([code, String(stdout)], [2, '']);
    assert.match(stderr, /^sealwire: usage: "keys .* there is no terminal to ask on: say --yes\.\n$/);
  }
  assert.is(await idOf('active'), id);
});

it('a wrong passphrase, none, and one that others may read are refused', async () => {
  const { folder, flags, keys } = await keyDirectory();
  const dir = flags.slice(0, 2);
  const wrong = await sealwire(['keys', 'list', ...dir, '--passphrase-file', `${folder}/other`]);
  assert.is(wrong.code, 1);
  assert.match(wrong.stderr, /^sealwire: keys-invalid: .*manifest\.json.*passphrase/);
  const none = await sealwire(['keys', 'list', ...dir]);
  assert.is(none.code, 2);
  assert.match(none.stderr, 'no terminal to ask for the passphrase on: give --passphrase-file FILE');
  const byEnvironment = {
    SEALWIRE_KEYS_DIR: `${folder}/keys`,
    SEALWIRE_KEYS_PASSPHRASE_FILE: `${folder}/passphrase`,
  };
  assert.is((await sealwire(['keys', 'list'], { env: byEnvironment })).code, 0);
  chmodSync(`${folder}/passphrase`, 0o644);
  const open = await keys('list');
  assert.is(open.code, 1);
  assert.match(open.stderr, `${folder}/passphrase is open to other users (mode 0644). Close it with chmod`);
});

it('a directory that others can look into, or that is not there, is refused with what to do', async () => {
  const { folder, keys, idOf } = await keyDirectory();
  chmodSync(`${folder}/keys`, 0o755);
  const open = await keys('list');
  assert.is(open.code, 1);
  assert.match(open.stderr, `${folder}/keys is open to other users (mode 0755). Close it with chmod go-rwx`);
  chmodSync(`${folder}/keys`, 0o700);
  const key = `${folder}/keys/key-${await idOf('active')}.pem`;
  chmodSync(key, 0o640);
  assert.match((await keys('list')).stderr, `${key} is open to other users`);

  const missing = await keysFolder().keys('list');
  assert.is(missing.code, 1);
  assert.match(
    missing.stderr,
    /There is no key directory (\S+)\. Make it with "sealwire keys init --dir \1"\./,
  );
});

it('first keys are made once, and a directory that is there already is left as it is', async () => {
  const { folder, keys } = await keyDirectory();
  const before = readdirSync(`${folder}/keys`);
  assert.is(statSync(`${folder}/keys`).mode & 0o777, 0o700);
  const again = await keys('init');
  assert.is(again.code, 1);
  assert.match(again.stderr, /^sealwire: keys-invalid: .*holds keys already/);
  assert.equal(readdirSync(`${folder}/keys`), before);
  const begun = keysFolder();
  await createKeyDirectory(`${begun.folder}/keys`, { passphrase });
  assert.match(await begun.done('init'), /^sw1/m);
  const short = keysFolder();
  writeFileSync(`${short.folder}/passphrase`, 'short\n');
  assert.is((await short.keys('init')).code, 2);
  const other = keysFolder();
  assert.is((await other.keys('init', '--suites', 'X448')).code, 2);
  assert.not.ok(existsSync(`${other.folder}/keys`));
});

it('a bundle has all keys, for its own passphrase, and overwrites nothing', async () => {
  const { folder, keys, done, list } = await keyDirectory();
  const file = `${folder}/orders.keys`;
  await done('export-bundle', '--bundle-passphrase-file', `${folder}/other`, file);
  assert.is(statSync(file).mode & 0o777, 0o600);
  const env = { SEALWIRE_KEYS_FILE: file, SEALWIRE_KEYS_PASSPHRASE_FILE: `${folder}/other` };
  const bundled = (await (await storageFromEnvironment(env))?.read())?.entries ?? [];
  assert.equal(
    bundled.map(({ id }) => id),
    (await list()).map(({ id }) => id),
  );
  const text = readFileSync(file, 'utf8');
  const again = await keys('export-bundle', file);
  assert.is(again.code, 1);
  assert.match(again.stderr, 'file already exists');
  assert.is(readFileSync(file, 'utf8'), text);
});

it('every command has a help with an example and its exit codes', async () => {
  const { stdout } = await sealwire(['--help']);
  const names = [...String(stdout).matchAll(/^ {2}((?:keys|client-key) \S+)/gm)].map(
    ([, name]) => name as string,
  );
  assert.is(names.length, 13);
  const { code, stdout: help } = await sealwire(['keys', 'promote', '--help']);
  assert.is(code, 0);
  assert.match(String(help), /^Usage: sealwire keys promote ID \[flags\]$/m);
  assert.match(String(help), /^ {2}sealwire keys promote .*\n[\s\S]*^Exit codes: 0/m);
});

it('an init that was killed before it had made keys is made up for by the next', async () => {
  const { folder, done, keys } = keysFolder();
  await createKeyDirectory(`${folder}/keys`, { passphrase });
  assert.match(await done('init', '--suites', 'X25519'), 'has the keys of a server');
  const again = await keys('init');
  assert.is(again.code, 1);
  assert.match(again.stderr, 'holds keys already');
});

it('a time that no calendar has is refused', async () => {
  const { keys } = await keyDirectory();
  const { code, stderr } = await keys('list', '--max-age', '999999999d');
  assert.is(code, 2);
  assert.match(stderr, '`rotation.maxAge` is a whole number of milliseconds from 1 to ');
});

test.run();
