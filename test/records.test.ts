// What judges the records of a run finds a secret in every spelling, and an event that says too much.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keyEvent } from './support/audit.ts';
import { it } from './support/cases.ts';
import { startChild } from './support/child.ts';
import { afterwards } from './support/resources.ts';

const secret = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - 7 * index));
const passphrase = 'correct horse battery';

/** Judges a run that printed and recorded this. @returns the faults */
async function judged(files: Record<string, string>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sealwire-records-'));
  afterwards(() => rmSync(folder, { recursive: true }));
  const secrets = [secret, Buffer.from(passphrase), Buffer.from('hunter2')].map((each) =>
    each.toString('base64'),
  );
  for (const [name, text] of Object.entries({ '1.secrets': secrets.join('\n'), ...files }))
    writeFileSync(join(folder, name), text);
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
  ];
  const clean = '• • • (3 / 3)\n';
  assert.is(await judged({ 'a.output': clean, '1.events': JSON.stringify(keyEvent()) }), '');
  const files = Object.fromEntries(
    printed.map((text, index) => [`${index}.output`, `${clean}seen ${text} there`]),
  );
  const more = JSON.stringify({ ...keyEvent(), path: '/orders' });
  const faults = await judged({ ...files, '1.events': more });
  for (const [index] of printed.entries())
    assert.match(faults, new RegExp(`^${index}\\.output.*holds a `, 'm'));
  assert.match(faults, '1.events: no event of the schema');
});

test.run();
