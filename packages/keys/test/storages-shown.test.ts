import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { everythingShown, leak } from '../../core/test/support/leaks.ts';
import { exportBundle, openBundle } from '../src/bundle.ts';
import { storageFromEnvironment } from '../src/environment.ts';
import { Passphrase } from '../src/passphrase.ts';
import { directoryWith } from './support/folders.ts';
import { algorithms, newKey, passphrase } from './support/keys.ts';

const keys = await Promise.all(algorithms.map((alg) => newKey(alg)));
const secrets = [...keys.map(({ secret }) => secret), Buffer.from(passphrase)];

function assertSilent(value: unknown): void {
  const shown = everythingShown(value);
  assert.ok(shown.length > 0);
  for (const secret of secrets) assert.is(leak(shown, secret), undefined);
  assert.not.ok(shown.includes(passphrase));
}

it('no storage shows a secret or the passphrase', async () => {
  const { storage } = await directoryWith(...keys);
  const text = await exportBundle(storage, { passphrase });
  const bundle = await openBundle(text, { passphrase });
  const fromEnvironment = await storageFromEnvironment({ SEALWIRE_KEYS: await exportBundle(storage) });
  for (const each of [storage, bundle, fromEnvironment]) {
    for (const { entry } of keys) (await each?.secret(entry))?.fill(0);
    assertSilent([each, await each?.read()]);
  }
  assertSilent(text);
  assertSilent(new Passphrase(passphrase));
});

test.run();
