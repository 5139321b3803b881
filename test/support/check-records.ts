// Judges what a run left in a folder: every event has the form of its type, and no secret is in what was printed (*.output)
// or recorded (*.events). Run it with the folder; it prints what is wrong.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditEventSchema } from '@sealwire/audit';
import { Ajv } from '../../packages/core/test/support/ajv.ts';

const [folder = ''] = process.argv.slice(2);
/** As many characters of a secret in any form are a leak: 15 bytes in base64, 10 in hexadecimal. */
const window = 20;
const faults: string[] = [];

function* contents(kind: string): Generator<[string, string]> {
  for (const file of readdirSync(folder))
    if (file.endsWith(kind)) yield [file, readFileSync(join(folder, file), 'utf8')];
}

/** The beginnings of a secret in each form, and shorter texts whole. */
function forms(bytes: Buffer): string[] {
  const texts = ['hex', 'base64', 'base64url'] as const;
  const all = [bytes.toString('hex').toUpperCase(), ...texts.map((form) => bytes.toString(form))];
  // A passphrase.
  const text = bytes.toString('utf8');
  return [...all, ...(/^[\x20-\x7e]+$/.test(text) ? [text] : [])].map((form) => form.slice(0, window));
}

const long = new Set<string>();
const short = new Set<string>();
for (const [, text] of contents('.secrets'))
  for (const line of text.split('\n').filter((each) => each !== ''))
    for (const form of forms(Buffer.from(line, 'base64'))) (form.length === window ? long : short).add(form);

for (const [file, text] of [...contents('.output'), ...contents('.events')]) {
  for (let at = 0; at + window <= text.length; at++) {
    if (!long.has(text.slice(at, at + window))) continue;
    const line = text.slice(0, at).split('\n').length;
    faults.push(`${file}:${line} holds a secret of this run`);
  }
  for (const secret of short)
    if (text.includes(secret)) faults.push(`${file} holds a short secret of this run`);
}

const fits = new Ajv({ strict: true }).compile(auditEventSchema);
let judged = 0;
for (const [file, text] of contents('.events')) {
  for (const line of text.split('\n').filter((each) => each !== '')) {
    judged++;
    if (!fits(JSON.parse(line))) faults.push(`${file}: no event of the schema: ${line}`);
  }
}

for (const fault of faults.slice(0, 50)) console.log(fault);
console.log(`${judged} events, ${long.size + short.size} spellings of secrets`);
process.exitCode = faults.length > 0 ? 1 : 0;
