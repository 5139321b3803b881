// Processes that share a key directory.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deferred, it, sleep } from '../../../test/support/cases.ts';
import { startChild } from '../../../test/support/child.ts';
import { until } from '../../../test/support/left-behind.ts';
import { openKeyDirectory } from '../src/key-directory.ts';
import { copyOfFolder, example, keyFile } from './support/folders.ts';
import { adding, newKey, passphrase } from './support/keys.ts';
import { assertRefused } from './support/refused.ts';

const open = (folder: string) => openKeyDirectory(folder, { passphrase });
const child = (script: string, env: Record<string, string>) =>
  startChild(`../../packages/keys/test/support/${script}.ts`, env);

it('three processes that change it at the same time lose nothing', async () => {
  const { folder, storage, key } = await example();
  const children = [1, 2, 3].map(() => child('updating', { KEYS_FOLDER: folder, COUNT: '25' }));
  for (const each of children) assert.is(await each.ended, 0, each.output.stderr);
  const { entries, revision } = await storage.read();
  assert.is(revision, 76);
  assert.is(new Set(entries.map(({ id }) => id)).size, 76);
  const files = [key, ...entries.slice(1).map((entry) => ({ entry, secret: key.secret }))].map(keyFile);
  assert.equal((await readdir(folder)).sort(), ['manifest.json', ...files].sort());
  for (const entry of entries) await storage.secret(entry);
});

it('changes of one process at the same time lose nothing', async () => {
  const { folder, storage } = await example();
  const storages = [storage, storage, await open(folder)];
  const keys = await Promise.all(Array.from({ length: 9 }, () => newKey('AES-256-GCM')));
  await Promise.all(keys.map((key, at) => storages[at % 3]?.update(adding(key))));
  assert.is((await storage.read()).entries.length, 10);
});

const outcomes = new Set<string>();
/** What changes something on disk while a key replaces another, in this order. */
const steps = [
  'writeFile', // the claim to the lock
  ...['open', 'writeFile', 'rename'], // the new key
  ...['open', 'writeFile', 'rename'], // the manifest
  ...['write', 'unlink'], // the old key
  'unlink', // the claim
];

for (let step = 1; step <= steps.length; step++)
  it(`a process killed at step ${step} of its change (${steps[step - 1]}) leaves a directory that works`, async () => {
    const { folder, key } = await example();
    const killed = child('killed', { KEYS_FOLDER: folder, STEP: String(step) });
    assert.is(await killed.ended, null, killed.output.stderr);
    assert.is(killed.process.signalCode, 'SIGKILL');
    assert.equal(killed.output.stdout.split('\n').slice(0, -1), steps.slice(0, step));

    const storage = await open(folder);
    const { entries } = await storage.read();
    outcomes.add(entries.map(({ status }) => status).join());
    const living = entries.filter(({ status }) => status !== 'destroyed');
    for (const entry of living) await storage.secret(entry);
    // The next change is not kept waiting, and removes what was left.
    assert.is((await storage.update(adding(await newKey('Ed25519')))).entries.length, entries.length + 1);
    const [added] = (await storage.read()).entries.slice(-1);
    const files = [...living, added].map((entry) => `key-${entry?.id}.pem`);
    assert.equal((await readdir(folder)).sort(), ['manifest.json', ...files].sort());
    assert.is(files.includes(keyFile(key)), step <= 7);
  });

it('the change of a process that is not killed has these steps, and is all or nothing', async () => {
  const { folder, storage } = await example();
  const whole = child('killed', { KEYS_FOLDER: folder, STEP: String(steps.length + 1) });
  assert.is(await whole.ended, 0, whole.output.stderr);
  assert.equal(whole.output.stdout.split('\n').slice(0, -1), steps);
  assert.is((await storage.read()).entries.length, 2);
  assert.equal([...outcomes].sort(), ['active', 'destroyed,active']);
});

it('a change waits for one that is not done', async () => {
  const { folder, storage } = await example();
  const other = await open(folder);
  const [begun, release] = [deferred(), deferred()];
  const order: string[] = [];
  const slow = storage.update(async (state) => {
    begun.resolve();
    await release.promise;
    order.push('slow');
    return { state: { ...state, seq: state.seq + 1 } };
  });
  await begun.promise;
  const waiting = other.update((state) => {
    order.push('waiting');
    return { state: { ...state, seq: state.seq + 10 } };
  });
  await sleep(200);
  // Reading does not wait.
  assert.is((await other.read()).seq, 0);
  release.resolve();
  await Promise.all([slow, waiting]);
  assert.equal(order, ['slow', 'waiting']);
  assert.is((await storage.read()).seq, 11);
});

it('who waits too long is told who holds the lock', async () => {
  const { folder, storage } = await example();
  const other = await open(folder);
  const [begun, release] = [deferred(), deferred()];
  const slow = storage.update(async () => {
    begun.resolve();
    await release.promise;
    return undefined;
  });
  await begun.promise;
  // Longer than a claim without a sign of life would be respected.
  const problem = new RegExp(`is locked by process ${process.pid} of .+ since \\d{4}-`);
  await assertRefused(() => other.update(() => undefined), folder, problem);
  release.resolve();
  await slow;
});

it('a claim without a sign of life, from another machine or cut short, is not waited for for ever', async () => {
  const { folder } = await example();
  const claims = [JSON.stringify({ pid: process.pid, host: 'other', place: 'elsewhere' }), ''];
  const copies = await Promise.all(claims.map(() => copyOfFolder(folder)));
  await Promise.all(
    copies.map(async (copy, at) => {
      await writeFile(join(copy, `lock-1-${'0'.repeat(16)}`), claims[at] as string, { mode: 0o600 });
      const storage = await open(copy);
      assert.is((await storage.update((state) => ({ state }))).revision, 2);
      assert.not.ok((await readdir(copy)).some((name) => name.startsWith('lock-')));
    }),
  );
});

it('a claim that cannot be read is named', async () => {
  const { folder, storage } = await example();
  const claim = join(folder, `lock-1-${'0'.repeat(16)}`);
  await mkdir(claim);
  await assertRefused(() => storage.update(() => undefined), claim, /is a folder, not a file/);
});

it('who lost the lock meanwhile changes nothing', async () => {
  const { folder, storage, key } = await example();
  const change = adding(await newKey('X25519'));
  const losing = storage.update(async (state) => {
    for (const name of await readdir(folder)) if (name.startsWith('lock-')) await rm(join(folder, name));
    return change(state);
  });
  await assertRefused(() => losing, folder, /another took over/);
  assert.equal((await storage.read()).entries, [key.entry]);
});

it('who watches hears of the changes of others, and not of its own', async () => {
  const { folder, storage } = await example();
  let heard = 0;
  const end = storage.watch(() => heard++);
  await storage.update((state) => ({ state: { ...state, seq: 1 } }));
  await sleep(1200);
  assert.is(heard, 0);
  for (const times of [1, 2]) {
    const other = child('updating', { KEYS_FOLDER: folder, COUNT: '1' });
    assert.is(await other.ended, 0, other.output.stderr);
    await until(() => heard === times, 'the listener is called');
    assert.is((await storage.read()).entries.length, 1 + times);
  }
  await sleep(1200);
  assert.is(heard, 2);
  end();
  await (await open(folder)).update((state) => ({ state }));
  await sleep(1200);
  assert.is(heard, 2);
});

it('a change between a reading and the watching is heard of, and so is a manifest that goes', async () => {
  const { folder, storage } = await example();
  await (await open(folder)).update((state) => ({ state }));
  let heard = 0;
  // Never ended: it must not keep the process of these tests alive.
  storage.watch(() => heard++);
  await until(() => heard === 1, 'the listener is called');
  await rm(join(folder, 'manifest.json'));
  await until(() => heard === 2, 'the listener is called again');
});

test.run();
