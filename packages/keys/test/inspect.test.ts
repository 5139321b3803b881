// Nothing secret shows when a ring is printed, serialised, or fails.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { failure } from '../../../test/support/problems.ts';
import { everythingShown, leak } from '../../core/test/support/leaks.ts';
import type { KeyStorage } from '../src/index.ts';
import { fetched, idOf, newRing, openRing, shakeHands, subject } from './support/rings.ts';

it('a ring shows no secret, nor does what it gives out', async () => {
  const audit = { record() {} };
  const { ring, storage, time } = await newRing({ suites: ['MLKEM768-X25519', 'X25519', 'P-256'], audit });
  for (const purpose of ['store-wrap', 'audit'] as const)
    await ring.promote((await ring.add({ purpose })).id);
  const secrets = await Promise.all(ring.entries.map((entry) => storage.secret(entry)));
  assert.is(secrets.length, 6);
  const held = await fetched(ring, time());
  for (const { suites } of held.payload.keys) assert.is(suites.length, 1);
  await shakeHands(held, ring, time());
  const shown = everythingShown([
    ring,
    storage,
    ring.entries,
    await ring.publish(subject, time()),
    await ring.findKey(idOf(ring, 'active')),
    await ring.symmetricKey('store-wrap'),
    await ring.symmetricKey('audit'),
    ring.entries.map(({ id }) => ring.exportPublic(id)),
    await failure(ring.export(idOf(ring, 'active'))),
    await failure(ring.destroy(idOf(ring, 'active'))),
  ]);
  for (const secret of secrets) assert.is(leak(shown, secret), undefined);
  assert.is(JSON.stringify(ring), '{}');
});

it('the bytes of a secret are wiped as soon as it is loaded, and those of a new key when it is stored', async () => {
  const { storage, time } = await newRing();
  const seen: Uint8Array[] = [];
  const watching: KeyStorage = Object.create(storage, {
    read: { value: () => storage.read() },
    watch: { value: () => () => {} },
    secret: {
      async value(entry: Parameters<KeyStorage['secret']>[0]) {
        const secret = await storage.secret(entry);
        seen.push(secret);
        return secret;
      },
    },
    update: {
      value: (change: Parameters<KeyStorage['update']>[0]) =>
        storage.update(async (state) => {
          const made = await change(state);
          seen.push(...(made?.secrets?.values() ?? []));
          return made;
        }),
    },
  });
  const ring = await openRing(watching, { clock: time });
  await ring.symmetricKey('store-wrap');
  await ring.promote((await ring.add({ purpose: 'store-wrap' })).id);
  await ring.add({ purpose: 'identity' });
  await ring.emergency(idOf(ring, 'active'));
  await ring.findKey(idOf(ring, 'active'));
  await ring.symmetricKey('store-wrap');
  await fetched(ring, time());
  assert.ok(seen.length >= 7, String(seen.length));
  for (const secret of seen) assert.equal([...secret], new Array(secret.length).fill(0));
});

test.run();
