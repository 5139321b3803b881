// What judges the records of a run finds a secret in every spelling, and an event that says too much.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keyEvent } from './support/audit.ts';
import { it } from './support/cases.ts';
import { startChild } from './support/child.ts';
import { afterwards } from './support/resources.ts';

const secret = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - 7 * index));
const passphrase = 'correct horse battery';

/** A folder whose secrets are leaks on purpose, so it is not for this run's judge. */
function leakyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-records-'));
  afterwards(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Judges a run that printed and recorded this. @returns the faults */
async function judged(files: Record<string, string | Buffer>): Promise<string> {
  const folder = leakyFolder();
  const secrets = [secret, Buffer.from(passphrase), Buffer.from('hunter2')].map((each) =>
    each.toString('base64'),
  );
  for (const [name, text] of Object.entries({ '1.secrets': secrets.join('\n'), ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const child = startChild('check-records.ts', {}, [folder]);
  const code = await child.ended;
  assert.is(code, child.output.stdout.includes('holds') || child.output.stdout.includes('no event') ? 1 : 0);
  return child.output.stdout.split('\n').slice(0, -2).join('\n');
}

it('a secret is found in every spelling, and an event with one member more', async () => {
  const printed = [
    secret.toString('hex'),
    secret.toString('hex').toUpperCase(),
    secret.toString('base64'),
    secret.toString('base64url').slice(0, 25),
    `the passphrase is ${passphrase}`,
    'or hunter2',
    util.inspect(secret),
    JSON.stringify([...secret]),
    secret.toString('latin1'),
    ...['', 'k', 'ke', 'key'].map((before) =>
      Buffer.concat([Buffer.from(before), secret]).toString('base64'),
    ),
  ];
  const clean = '. . . (3 / 3)\n';
  assert.is(await judged({ 'a.output': clean, '1.events': JSON.stringify(keyEvent()) }), '');
  const files = Object.fromEntries(
    printed.map((text, index) => [`${index}.output`, Buffer.from(`${clean}seen ${text} there`, 'latin1')]),
  );
  const more = JSON.stringify({ ...keyEvent(), path: '/orders' });
  const faults = await judged({ ...files, '1.events': more });
  for (const [index] of printed.entries())
    assert.match(faults, new RegExp(`^${index}\\.output.*holds a `, 'm'));
  assert.match(faults, '1.events: no event of the schema');
});

it('a secret is found in a file of a test, but not where it is kept', async () => {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret]);
  const pem = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    format: 'pem',
    type: 'pkcs8',
  });
  const faults = await judged({
    'folder/passphrase': `${passphrase}\n`,
    'folder/audit.key': secret.toString('hex'),
    'folder/raw.key': secret,
    'folder/audit.jsonl': `{"seq":1}\n{"seq":2,"kid":"${secret.toString('base64url')}"}\n`,
    'folder/keys/key.pem': pem,
    'folder/keys/key.der': der,
    'folder/server.log': `opened with ${passphrase}\n`,
  });
  // A PEM that is named as a secret itself is one that is kept, and no other is like it.
  const named = { '2.secrets': Buffer.from(pem).toString('base64'), 'folder/keys/key.pem': pem };
  const other = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  assert.is(await judged({ ...named, 'folder/other.pem': other }), '');
  assert.match(
    await judged({ ...named, 'folder/server.log': `opened ${pem}` }),
    'server.log:2 holds a secret',
  );
  const found = [...faults.matchAll(/^(\S+?)(?::\d+)? holds a secret/gm)].map(([, file]) => file);
  const leaks = ['audit.jsonl', 'keys/key.der', 'keys/key.pem', 'server.log'];
  assert.equal(
    found.sort(),
    leaks.map((file) => `folder/${file}`),
  );
});

it('what a test leaves in its folder, and what a program of it prints, is judged', async () => {
  const records = leakyFolder();
  const child = startChild('leaking.ts', { SEALWIRE_RECORDS: records });
  assert.is(await child.ended, 0);
  const judge = startChild('check-records.ts', {}, [records]);
  assert.is(await judge.ended, 1);
  assert.match(judge.output.stdout, /^\d+-sealwire-\w+.logs.server\.log:1 holds a secret/m);
  assert.match(judge.output.stdout, /^\d+\.printed:1 holds a secret/m);
});

test.run();
