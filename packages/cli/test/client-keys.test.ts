// Keys of clients on the command line.
import { chmodSync, readFileSync } from 'node:fs';
import { clientKeyFile } from '@sealwire/client/node';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { isSecret } from '../../../test/support/recording.ts';
import { inProcess } from './support/in-process.ts';
import { folderWith, sealwire } from './support/programs.ts';

const passphrase = 'plums of a client';
isSecret(passphrase);

/** A folder with a passphrase's file, and what runs a command on a key's file in it. */
function clientFolder() {
  const folder = folderWith({ passphrase: `${passphrase}\n`, other: 'another passphrase\n' }, 0o600);
  const file = `${folder}/client.key`;
  const clientKey = (command: string, from = 'passphrase', ...flags: readonly string[]) =>
    inProcess(['client-key', command, '--passphrase-file', `${folder}/${from}`, ...flags, file]);
  return { file, clientKey };
}

it('a key is made once; its thumbprint is that of the key a client opens', async () => {
  const { file, clientKey } = clientFolder();
  const made = await clientKey('create');
  assert.is(made.code, 0, made.stderr);
  const { thumbprint } = await clientKeyFile(file, { passphrase });
  assert.is(made.stdout, `${thumbprint}\n`);
  assert.is((await clientKey('thumbprint')).stdout, made.stdout);
  const json = JSON.parse((await clientKey('thumbprint', 'passphrase', '--json')).stdout);
  assert.equal(json, { file, thumbprint });

  const before = readFileSync(file);
  const again = await clientKey('create');
  assert.is(again.code, 1);
  assert.match(again.stderr, `${file} is there already`);
  assert.equal(readFileSync(file), before);
});

it('a thumbprint makes no key, and a wrong passphrase or an open file tells none', async () => {
  const { file, clientKey } = clientFolder();
  const missing = await clientKey('thumbprint');
  assert.is(missing.code, 1);
  assert.match(missing.stderr, `There is no ${file}`);
  await clientKey('create');
  const wrong = await clientKey('thumbprint', 'other');
  assert.equal([wrong.code, wrong.stdout], [1, '']);
  assert.match(wrong.stderr, 'client-key-unavailable');
  chmodSync(file, 0o644);
  assert.match((await clientKey('thumbprint')).stderr, `chmod 600`);
});

it('without a terminal the passphrase has to be in a file', async () => {
  const { file } = clientFolder();
  const { code, stderr } = await sealwire(['client-key', 'create', file]);
  assert.is(code, 2);
  assert.match(stderr, 'give --passphrase-file FILE');
  assert.is((await inProcess(['client-key', 'create'])).code, 2);
});

test.run();
