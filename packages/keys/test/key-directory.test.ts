import { copyFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deferred, it, within } from '../../../test/support/cases.ts';
import { temporaryFolder } from '../../../test/support/folders.ts';
import { failure } from '../../../test/support/problems.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { createKeyDirectory, openKeyDirectory } from '../src/key-directory.ts';
import type { RingState } from '../src/storage.ts';
import { copyOfFolder, directoryWith, example, keyFile } from './support/folders.ts';
import { adding, algorithms, destroying, newKey, passphrase } from './support/keys.ts';
import { assertRefused } from './support/refused.ts';

const open = (folder: string) => openKeyDirectory(folder, { passphrase });

it('what was put in comes out again, in this process and in another storage', async () => {
  const keys = await Promise.all(algorithms.map((alg) => newKey(alg)));
  const { folder, storage } = await directoryWith(...keys);
  for (const each of [storage, await open(folder)]) {
    const { entries, revision } = await each.read();
    assert.is(revision, 1);
    assert.equal(
      entries,
      keys.map(({ entry }) => entry),
    );
    for (const { entry, secret } of keys) assert.equal(await each.secret(entry), secret);
  }
  assert.is(storage.readOnly, false);
});

it('only its user can look into a key directory', async () => {
  const folder = join(temporaryFolder(), 'keys');
  const key = await newKey('X25519');
  await (await createKeyDirectory(folder, { passphrase })).update(adding(key));
  assert.is((await stat(folder)).mode & 0o777, 0o700);
  const names = (await readdir(folder)).sort();
  assert.equal(names, [keyFile(key), 'manifest.json']);
  for (const name of names) assert.is((await stat(join(folder, name))).mode & 0o777, 0o600);
});

it('a state that does not change is not written', async () => {
  const { folder, storage } = await example();
  const before = await readFile(join(folder, 'manifest.json'), 'utf8');
  assert.equal(await storage.update(() => undefined), await storage.read());
  assert.is(await readFile(join(folder, 'manifest.json'), 'utf8'), before);
});

it('a change that throws, or leaves no proper ring, changes nothing', async () => {
  const { folder, storage, key } = await example();
  const before = await storage.read();
  const [first, second] = [await newKey('X25519'), await newKey('X25519')];
  const broken = new Error('broken');
  const wrong: [RegExp, Parameters<typeof storage.update>[0]][] = [
    [/broken/, () => Promise.reject(broken)],
    [/not the state/, (state) => ({ state: { ...state, more: 1 } as RingState })],
    [/not the state/, (state) => ({ state: { ...state, entries: [key.entry, key.entry] } })],
    [/not the state/, adding({ ...first, entry: { ...first.entry, id: '../../../../etc/passwd' } })],
    [/without an entry/, (state) => ({ state, secrets: new Map([[first.entry.id, first.secret]]) })],
    [/does not hold/, adding({ ...first, secret: second.secret })],
    [/does not hold/, adding({ ...first, secret: first.secret.subarray(1) })],
  ];
  for (const [problem, change] of wrong) {
    const error = await storage.update(change).then(
      () => assert.unreachable('it was taken'),
      (reason: Error) => reason,
    );
    assert.match((error as Error).message, problem);
    assert.equal(await (await open(folder)).read(), before);
    assert.equal((await readdir(folder)).sort(), [keyFile(key), 'manifest.json']);
  }
});

it('the revision is counted by the storage', async () => {
  const { storage } = await example();
  for (const revision of [2, 3, 4])
    assert.is((await storage.update((state) => ({ state: { ...state, revision: 77 } }))).revision, revision);
});

it('a change may look at the secrets of the keys that are there', async () => {
  const { storage, key } = await example();
  let secret: Uint8Array | undefined;
  await storage.update(async ({ entries: [entry] }) => {
    secret = entry && (await storage.secret(entry));
    return undefined;
  });
  assert.equal(secret, key.secret);
});

it('a destroyed key is remembered, and its secret is gone', async () => {
  const { folder, storage, key } = await example();
  const { entries } = await storage.update(destroying(key.entry.id));
  assert.is(entries[0]?.status, 'destroyed');
  assert.equal(await readdir(folder), ['manifest.json']);
  await assertRefused(() => storage.secret(key.entry), keyFile(key), /does not exist/);
});

it('a key directory is made once', async () => {
  const { folder, storage } = await example();
  const before = await storage.read();
  await assertRefused(() => createKeyDirectory(folder, { passphrase }), folder, /holds keys already/);
  await rm(join(folder, 'manifest.json'));
  await assertRefused(() => createKeyDirectory(folder, { passphrase }), folder, /holds keys already/);
  assert.is(before.revision, 1);
});

it('a folder that is not there, or none, is refused', async () => {
  const { folder } = await example();
  await assertRefused(() => open(join(folder, 'gone')), 'gone', /holds no key directory.*createKeyDirectory/);
  await assertRefused(() => open(join(folder, 'manifest.json')), 'manifest.json', /is not a folder/);
  const empty = temporaryFolder();
  await assertRefused(() => open(empty), empty, /holds no key directory.*createKeyDirectory/);
  const deep = join(empty, 'no', 'parent');
  await assertRefused(() => createKeyDirectory(deep, { passphrase }), deep, /does not exist/);
});

it('another passphrase opens nothing', async () => {
  const { folder } = await example();
  const other = { passphrase: `${passphrase}!` };
  await assertRefused(
    () => openKeyDirectory(folder, other),
    'manifest.json',
    /does not authenticate.*passphrase/,
  );
});

it('a key file under the name of another key is refused', async () => {
  const [first, second] = [await newKey('X25519'), await newKey('X25519')];
  const [p256, xwing] = [await newKey('P-256'), await newKey('MLKEM768-X25519')];
  const { folder, storage } = await directoryWith(first, second, p256, xwing);
  for (const [key, other, problem] of [
    [first, second, /does not hold the X25519 key/],
    [second, p256, /holds a key of P-256, not of X25519/],
    [xwing, first, /holds a key of X25519, not of MLKEM768-X25519/],
  ] as const) {
    assert.equal(await storage.secret(key.entry), key.secret);
    await copyFile(join(folder, keyFile(other)), join(folder, keyFile(key)));
    await assertRefused(() => storage.secret(key.entry), keyFile(key), problem);
  }
});

it('an id that is none never becomes a path', async () => {
  const { storage, key } = await example();
  for (const id of ['../manifest', '', 'x', `${key.entry.id}/`]) {
    const error = await storage.secret({ ...key.entry, id }).catch((reason) => reason);
    assert.instance(error, TypeError);
  }
});

it('a manifest of another directory does not fit, even with the same passphrase and revision', async () => {
  const [one, two] = [await example(), await directoryWith(await newKey('X25519'))];
  await copyFile(join(two.folder, 'manifest.json'), join(one.folder, 'manifest.json'));
  await assertRefused(
    () => one.storage.read(),
    'manifest.json',
    /older than what this process has seen, or contradicts it/,
  );
});

it('an older manifest is not taken after a newer one was seen', async () => {
  const { folder, storage } = await example();
  const old = await copyOfFolder(folder);
  await storage.update(adding(await newKey('Ed25519')));
  const fresh = await open(folder);
  await copyFile(join(old, 'manifest.json'), join(folder, 'manifest.json'));
  for (const each of [storage, fresh]) {
    const problem = /older than what this process has seen.+\(revision 1, seen 2\)/;
    await assertRefused(() => each.read(), 'manifest.json', problem);
    await assertRefused(() => each.update(() => undefined), 'manifest.json', problem);
  }
});

it('reads that overtake each other are no roll-back', async () => {
  const { storage } = await example();
  // Large, so that some readings begin before a change and end behind it.
  const signed = { subject: { body: 'x'.repeat(500_000), iat: 1, exp: 2 } };
  let changing = true;
  const readAll = async () => {
    while (changing) await storage.read();
  };
  const reading = Promise.all([1, 2, 3].map(readAll));
  reading.catch(() => {});
  for (let seq = 1; seq <= 10; seq++) await storage.update((state) => ({ state: { ...state, seq, signed } }));
  changing = false;
  await reading;
  assert.is((await storage.read()).revision, 11);
});

it('what cannot be removed keeps nobody from changing keys, and the change is news to this process', async () => {
  const { folder, storage, key } = await example();
  await mkdir(join(folder, 'manifest.json.tmp-0123456789abcdef'));
  const other = await newKey('X25519');
  assert.is((await storage.update(adding(other))).entries.length, 2);

  await rm(join(folder, keyFile(key)));
  await mkdir(join(folder, keyFile(key)));
  const told = deferred<void>();
  afterwards(storage.watch(() => told.resolve()));
  assert.match(((await failure(storage.update(destroying(key.entry.id)))) as Error).message, keyFile(key));
  await within(told.promise, 'the news', 5000);
  assert.is((await storage.read()).entries[0]?.status, 'destroyed');
});

test.run();
