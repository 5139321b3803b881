import { chmod, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { startChild } from '../../../test/support/child.ts';
import { temporaryFolder } from '../../../test/support/folders.ts';
import { exportBundle } from '../src/bundle.ts';
import { passphraseFromEnvironment, storageFromEnvironment } from '../src/environment.ts';
import { example } from './support/folders.ts';
import { passphrase } from './support/keys.ts';
import { assertRefused } from './support/refused.ts';

/** A file with some text, for this user only. */
async function fileWith(text: string, mode = 0o600): Promise<string> {
  const path = join(temporaryFolder(), 'secret');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

const { storage, key } = await example();
const open = await exportBundle(storage);
const encrypted = await exportBundle(storage, { passphrase });

async function assertKeys(env: Record<string, string | undefined>): Promise<void> {
  const found = await storageFromEnvironment(env);
  assert.equal(await found?.secret(key.entry), key.secret);
  assert.is(found?.readOnly, true);
}

it('an environment without keys has none', async () => {
  assert.is(await storageFromEnvironment({}), undefined);
  assert.is(await storageFromEnvironment({ SEALWIRE_KEYS_PASSPHRASE: passphrase }), undefined);
  assert.is(await passphraseFromEnvironment({ HOME: '/' }), undefined);
});

it('keys come from a variable or a file, and so does their passphrase', async () => {
  const files = { bundle: await fileWith(`${open}\n`), encrypted: await fileWith(encrypted, 0o400) };
  await assertKeys({ SEALWIRE_KEYS: open });
  await assertKeys({ SEALWIRE_KEYS_FILE: files.bundle });
  await assertKeys({ SEALWIRE_KEYS: encrypted, SEALWIRE_KEYS_PASSPHRASE: passphrase });
  for (const end of ['', '\n', '\r\n'])
    await assertKeys({
      SEALWIRE_KEYS_FILE: files.encrypted,
      SEALWIRE_KEYS_PASSPHRASE_FILE: await fileWith(passphrase + end),
    });
});

it('of a passphrase only one line break is no part', async () => {
  for (const [text, expected] of [
    ['a b c d \n', 'a b c d '],
    ['abcdefgh\n\n', 'abcdefgh\n'],
    ['pässwörter', 'pässwörter'],
  ])
    assert.is(
      await passphraseFromEnvironment({ SEALWIRE_KEYS_PASSPHRASE_FILE: await fileWith(text as string) }),
      expected,
    );
});

it('a variable with a secret is deleted, also if the secret is of no use', async () => {
  for (const [keys, phrase] of [
    [encrypted, passphrase],
    ['nonsense!', passphrase],
    [encrypted, 'another passphrase'],
  ] as const) {
    const env = { SEALWIRE_KEYS: keys, SEALWIRE_KEYS_PASSPHRASE: phrase, HOME: '/' };
    await storageFromEnvironment(env).catch(() => {});
    assert.equal(env, { HOME: '/' });
  }
});

it('a process takes its keys out of its own environment', async () => {
  const env = { SEALWIRE_KEYS: encrypted, SEALWIRE_KEYS_PASSPHRASE: passphrase };
  const child = startChild('../../packages/keys/test/support/from-environment.ts', env);
  assert.is(await child.ended, 0, child.output.stderr);
  assert.equal(child.output.stdout.trim().split('\n'), [key.entry.id, '[]']);
});

it('two sources at once, and empty ones, are mistakes', async () => {
  const path = await fileWith(open);
  for (const name of ['SEALWIRE_KEYS', 'SEALWIRE_KEYS_PASSPHRASE']) {
    const both = { [name]: open, [`${name}_FILE`]: path };
    await assertRefused(() => storageFromEnvironment(both), name, /are both set/, [key.secret]);
    await assertRefused(() => storageFromEnvironment({ [name]: '' }), name, /is empty/);
    await assertRefused(() => storageFromEnvironment({ [`${name}_FILE`]: '' }), `${name}_FILE`, /is empty/);
  }
});

it('a file that others may see is refused, a link to one that they may not is followed', async () => {
  for (const name of ['SEALWIRE_KEYS_FILE', 'SEALWIRE_KEYS_PASSPHRASE_FILE']) {
    for (const mode of [0o644, 0o640, 0o604, 0o660]) {
      const path = await fileWith(open, mode);
      await assertRefused(() => storageFromEnvironment({ [name]: path }), path, /is open to other users/);
    }
    const missing = join(temporaryFolder(), 'missing');
    await assertRefused(() => storageFromEnvironment({ [name]: missing }), missing, /does not exist/);
    const folder = temporaryFolder();
    await assertRefused(() => storageFromEnvironment({ [name]: folder }), folder, /is not a file/);
  }
  const link = join(temporaryFolder(), 'link');
  await symlink(await fileWith(open), link);
  await assertKeys({ SEALWIRE_KEYS_FILE: link });
});

it('errors about keys name the variable or the file that they came from', async () => {
  const broken = 'AAAA';
  await assertRefused(() => storageFromEnvironment({ SEALWIRE_KEYS: broken }), 'SEALWIRE_KEYS', /the form/);
  const path = await fileWith(broken);
  await assertRefused(() => storageFromEnvironment({ SEALWIRE_KEYS_FILE: path }), path, /the form/);
  const long = await fileWith('x'.repeat(1100));
  await assertRefused(
    () => storageFromEnvironment({ SEALWIRE_KEYS_PASSPHRASE_FILE: long }),
    long,
    /has more than/,
  );
});

test.run();
