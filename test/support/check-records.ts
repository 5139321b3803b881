// Judges what a run left in a folder: every event (*.events) has the form of its type, and no secret (*.secrets) is in
// anything else: what was printed, events, and the folders of tests with their logs, keys and configurations. Run it with
// the folder; it prints what is wrong.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { auditEventSchema } from '@sealwire/audit';
import { Ajv } from '../../packages/core/test/support/ajv.ts';

const [folder = ''] = process.argv.slice(2);
/** As many characters of a secret in any form are a leak: 15 bytes in base64, 10 in hexadecimal. */
const window = 20;
/** Larger files are made by tests to be refused for it, sparse ones of a terabyte among them. */
const largest = 2 ** 27;
const faults: string[] = [];

/** Files by their paths, bytes as Latin-1. */
function* contents(wanted: (path: string) => boolean): Generator<[string, string]> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const isSearched = entry.isFile() && wanted(path) && statSync(path).size <= largest;
    if (isSearched) yield [relative(folder, path), readFileSync(path, 'latin1')];
  }
}

/** All that a secret is written as where it is meant to be. */
function whole(bytes: Buffer): string[] {
  return (['latin1', 'hex', 'base64', 'base64url'] as const).map((form) => bytes.toString(form));
}

/** The beginnings of a secret in each form, and shorter ones whole. In base64 that depends on what stands before it. */
function forms(bytes: Buffer): string[] {
  const within = [1, 2].flatMap((from) => whole(bytes.subarray(from)).slice(2));
  const hex = bytes.toString('hex').toUpperCase();
  const octets = [bytes.join(','), bytes.join(', '), hex.replace(/..(?!$)/g, '$& ')];
  const all = [...whole(bytes), ...within, hex, ...octets, octets[2]?.toLowerCase() as string];
  return all.map((form) => form.slice(0, window));
}

const long = new Set<string>();
const short = new Set<string>();
/** A file that has nothing but a secret is where that is kept: a passphrase, an audit log's key. */
const kept = new Set<string>();
for (const [, text] of contents((path) => path.endsWith('.secrets')))
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const secret = Buffer.from(line, 'base64');
    for (const form of whole(secret)) kept.add(form.trim());
    // Every PEM begins like this; the bytes of its key are a secret by themselves.
    if (secret.subarray(0, 10).toString('latin1') === '-----BEGIN') continue;
    for (const form of forms(secret)) (form.length === window ? long : short).add(form);
  }

let searched = 0;
for (const [file, text] of contents((path) => !path.endsWith('.secrets'))) {
  searched++;
  if (kept.has(text.trim())) continue;
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
for (const [file, text] of contents((path) => path.endsWith('.events'))) {
  for (const line of text.split('\n').filter((each) => each !== '')) {
    judged++;
    if (!fits(JSON.parse(line))) faults.push(`${file}: no event of the schema: ${line}`);
  }
}

for (const fault of faults.slice(0, 50)) console.log(fault);
console.log(`${judged} events, ${searched} files, ${long.size + short.size} spellings of secrets`);
process.exitCode = faults.length > 0 ? 1 : 0;
