// Who may see and change the files, and what happens where the file system refuses.
import { execFileSync } from 'node:child_process';
import { chmod, chown, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { startChild } from '../../../test/support/child.ts';
import { temporaryFolder } from '../../../test/support/folders.ts';
import { itNeeding } from '../../../test/support/it-needing.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { createKeyDirectory, openKeyDirectory } from '../src/key-directory.ts';
import { custodyFault } from '../src/private-files.ts';
import { example, keyFile } from './support/folders.ts';
import { adding, newKey, passphrase } from './support/keys.ts';
import { assertRefused } from './support/refused.ts';

const open = (folder: string) => openKeyDirectory(folder, { passphrase });

it('files that are open to a group or to others are refused', async () => {
  for (const mode of [0o640, 0o620, 0o604, 0o602, 0o601, 0o644, 0o666]) {
    const { folder, storage, key } = await example();
    const shown = new RegExp(`is open to other users \\(mode 0${mode.toString(8)}\\).*chmod go-rwx`);
    await chmod(join(folder, keyFile(key)), mode);
    await assertRefused(() => storage.secret(key.entry), keyFile(key), shown);
    await chmod(join(folder, 'manifest.json'), mode);
    await assertRefused(() => storage.read(), 'manifest.json', shown);
    await chmod(join(folder, 'manifest.json'), 0o400);
    await open(folder);
  }
});

it('a folder that is open to a group or to others is refused', async () => {
  for (const mode of [0o750, 0o705, 0o770, 0o707, 0o711, 0o701]) {
    const { folder, storage, key } = await example();
    await chmod(folder, mode);
    const problem = /is open to other users \(mode 07/;
    await assertRefused(() => open(folder), folder, problem);
    await assertRefused(() => storage.read(), folder, problem);
    await assertRefused(() => storage.secret(key.entry), folder, problem);
    await assertRefused(() => storage.update(() => undefined), folder, problem);
    const empty = temporaryFolder();
    await chmod(empty, mode);
    await assertRefused(() => createKeyDirectory(empty, { passphrase }), empty, problem);
  }
});

it('files belong to the user of the process; what the system hands out may be root’s', () => {
  const problems = (uid: number, mode: number, user: number, handedOut: boolean) =>
    custodyFault({ uid, mode: 0o100000 | mode }, user, handedOut)?.problem.split(' (')[0];
  const [other, isOpen] = ['belongs to another user', 'is open to other users'];
  for (const handedOut of [false, true]) {
    for (const user of [0, 1000]) {
      for (const mode of [0o600, 0o400]) assert.is(problems(user, mode, user, handedOut), undefined);
      for (const mode of [0o440, 0o404, 0o420, 0o402, 0o644])
        assert.is(problems(user, mode, user, handedOut), isOpen);
      for (const mode of [0o600, 0o440]) assert.is(problems(1001, mode, user, handedOut), other);
    }
  }
  for (const mode of [0o400, 0o440, 0o640]) {
    assert.is(problems(0, mode, 1000, true), undefined);
    assert.is(problems(0, mode, 1000, false), other);
  }
  for (const mode of [0o444, 0o460, 0o442, 0o450]) assert.is(problems(0, mode, 1000, true), isOpen);
});

it('a link in the folder is not followed, one to the folder is', async () => {
  const { folder, storage, key } = await example();
  const other = temporaryFolder();
  for (const name of [keyFile(key), 'manifest.json']) {
    await rename(join(folder, name), join(other, name));
    await symlink(join(other, name), join(folder, name));
  }
  await assertRefused(() => storage.secret(key.entry), keyFile(key), /is a symbolic link/);
  await assertRefused(() => storage.read(), 'manifest.json', /is a symbolic link/);
  const whole = await example();
  const link = join(other, 'link');
  await symlink(whole.folder, link);
  assert.equal((await (await open(link)).read()).entries, [whole.key.entry]);
});

it('a named pipe or a folder in place of a file is refused, not waited for', async () => {
  const { folder, storage, key } = await example();
  await rm(join(folder, keyFile(key)));
  execFileSync('mkfifo', ['-m', '600', join(folder, keyFile(key))]);
  await assertRefused(() => storage.secret(key.entry), keyFile(key), /is not a file/);
  await rm(join(folder, 'manifest.json'));
  execFileSync('mkdir', ['-m', '700', join(folder, 'manifest.json')]);
  await assertRefused(() => storage.read(), 'manifest.json', /is not a file/);
});

it('an orphan that is a link is removed, and what it leads to stays', async () => {
  const { folder, storage } = await example();
  const target = join(temporaryFolder(), 'target');
  await writeFile(target, 'not ours');
  const orphan = `key-${'A'.repeat(43)}.pem`;
  await symlink(target, join(folder, orphan));
  await storage.update(() => undefined);
  assert.not.ok((await readdir(folder)).includes(orphan));
  assert.is(await readFile(target, 'utf8'), 'not ours');
});

it('a missing or broken key file is named', async () => {
  const { folder, storage, key } = await example();
  const path = join(folder, keyFile(key));
  const pem = await readFile(path, 'utf8');
  for (const [text, problem] of [
    ['', /is no PEM file/],
    [pem.slice(0, -10), /is no PEM file/],
    [`${pem}\n`, /is no PEM file/],
    [pem.replaceAll('ENCRYPTED ', ''), /is not encrypted/],
    [pem.repeat(100), /has more than 8192 bytes/],
  ] as const) {
    await writeFile(path, text);
    await assertRefused(() => storage.secret(key.entry), path, problem, [key.secret]);
  }
  await rm(path);
  await assertRefused(() => storage.secret(key.entry), path, /does not exist/);
});

/** Whoever is root may write everywhere: the rest of the test is another user. */
async function withoutRoot(folder: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const nobody = 65_534;
  for (const name of ['', ...(await readdir(folder))]) await chown(join(folder, name), nobody, nobody);
  process.seteuid?.(nobody);
  afterwards(() => process.seteuid?.(0));
}

it('a folder that may not be written keeps what it has', async () => {
  const { folder, storage, key } = await example();
  await withoutRoot(folder);
  await chmod(folder, 0o500);
  const change = adding(await newKey('X25519'));
  await assertRefused(() => storage.update(change), folder, /is not accessible to this process/);
  assert.equal((await storage.read()).entries, [key.entry]);
  await chmod(folder, 0o000);
  await assertRefused(() => storage.read(), folder, /is not accessible/);
  await chmod(folder, 0o700);
  assert.is((await storage.update(change)).entries.length, 2);
});

itNeeding('prlimit')('a file that cannot be written whole leaves what was there before', async () => {
  const { folder, storage, key } = await example();
  const files = async () => (await readdir(folder)).sort();
  const before = await files();
  // No file may become larger than 512 bytes: the claim to the lock fits, a manifest does not.
  const env = { KEYS_FOLDER: folder, KEYS_PASSPHRASE: passphrase, LIMIT: '512' };
  const child = startChild('../../packages/keys/test/support/full-disk.ts', env);
  assert.is(await child.ended, 0, child.output.stderr);
  assert.match(child.output.stdout, /^keys-invalid .*cannot be written: files may not become so large here/);
  assert.equal((await storage.read()).entries, [key.entry]);
  // The key that was written without its manifest goes with the next change.
  assert.is((await files()).length, before.length + 1);
  await storage.update(() => undefined);
  assert.equal(await files(), before);
  // A claim to the lock that does not fit either holds up nobody.
  const again = startChild('../../packages/keys/test/support/full-disk.ts', { ...env, LIMIT: '20' });
  assert.is(await again.ended, 0, again.output.stderr);
  assert.match(again.output.stdout, /^keys-invalid .*cannot be written: files may not become so large here/);
  assert.equal(await files(), before);
});

test.run();
