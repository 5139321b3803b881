// Nothing happens to a key that is not on record before.
import { verifyAuditLog } from '@sealwire/audit';
import type { AuditSink } from '@sealwire/core';
import { KeyRing, memoryStorage } from '@sealwire/keys';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { idOf, newRing } from '../packages/keys/test/support/rings.ts';
import { eventsOf, logKey, logPath, openLog } from './support/audit.ts';
import { deferred, it } from './support/cases.ts';
import { startChild } from './support/child.ts';
import { itNeeding } from './support/it-needing.ts';
import { thrown } from './support/problems.ts';

it('every change is in the log when it is made', async () => {
  const path = logPath();
  const audit = await openLog(path);
  const { ring } = await newRing({ audit, actor: 'operator' });
  const types = () => eventsOf(path).map(({ type }) => type);
  assert.equal(types(), ['key.created', 'key.promoted', 'key.created', 'key.promoted']);
  const { id } = await ring.add({ purpose: 'identity' });
  await ring.promote(id);
  await ring.emergency(idOf(ring, 'active'));
  assert.equal(types().slice(4), [
    'key.created',
    'key.promoted',
    'key.created',
    'key.promoted',
    'key.disabled',
  ]);
  assert.ok(eventsOf(path).every((event) => 'actor' in event && event.actor === 'operator'));
  await audit.close();
});

it('with a log that was closed no key changes', async () => {
  const audit = await openLog(logPath());
  const { ring, storage } = await newRing({ audit });
  await audit.close();
  const before = await storage.read();
  for (const change of [
    () => ring.add({ purpose: 'audit' }),
    () => ring.emergency(idOf(ring, 'active')),
    () => KeyRing.create(memoryStorage(), { audit }),
  ])
    await thrown(change(), 'audit-failed');
  assert.is(await storage.read(), before);
  // What changes nothing needs no record.
  await ring.promote(idOf(ring, 'active'));
  await ring.rotate();
});

itNeeding('prlimit')(
  'with a log on a full disk no key changes, and all goes on when there is room',
  async () => {
    const path = logPath();
    const child = startChild('full-log.ts', {
      LOG_PATH: path,
      LOG_KEY: Buffer.from(logKey).toString('hex'),
    });
    assert.is(await child.ended, 0, child.output.stderr);
    const lines = child.output.stdout.trimEnd().split('\n');
    assert.equal(lines.slice(0, 6), [
      ...Array(3).fill('audit-failed nothing changed'),
      ...Array(3).fill('done changed'),
    ]);
    assert.ok((await verifyAuditLog([path], { key: logKey })).sound);
    // The log also has what was tried in vain.
    const created = eventsOf(path).flatMap((event) => (event.type === 'key.created' ? [event.kid] : []));
    const ids = JSON.parse(lines[6] as string) as string[];
    for (const id of ids) assert.ok(created.includes(id), id);
    assert.ok(created.length > ids.length);
  },
);

it('a sink that throws, or whose flush fails, is a log that failed; one without flush is not waited for', async () => {
  const throwing: AuditSink = {
    record() {
      throw new Error('broken');
    },
  };
  const failing: AuditSink = { record() {}, flush: () => Promise.reject(new Error('broken')) };
  for (const audit of [throwing, failing]) {
    const storage = memoryStorage();
    const error = await thrown(KeyRing.create(storage, { audit }), 'audit-failed');
    assert.is((error.cause as Error).message, 'broken');
    assert.is((await storage.read()).revision, 0);
  }
  await newRing({ audit: { record() {} } });
});

it('a change waits for its record, and others who change keys for both', async () => {
  const kept = deferred();
  let waits = false;
  const { ring, storage } = await newRing({
    audit: { record() {}, flush: async () => (waits ? kept.promise : undefined) },
  });
  waits = true;
  const before = await storage.read();
  const adding = ring.add({ purpose: 'audit' });
  const other = ring.add({ purpose: 'audit' });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(await storage.read(), before);
  kept.resolve();
  await Promise.all([adding, other]);
  assert.is((await storage.read()).entries.length, before.entries.length + 2);
});

test.run();
