// Changes the keys of a ring while its audit log finds no room on the disk, and again when there is some.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { isSealwireError } from '@sealwire/core';
import { KeyRing, memoryStorage } from '@sealwire/keys';
import { openLog } from './audit.ts';
import { isSecret, secretStorage } from './recording.ts';

const { LOG_PATH = '', LOG_KEY = '' } = process.env;
const key = Buffer.from(LOG_KEY, 'hex');
isSecret(key);
const audit = await openLog(LOG_PATH, { key });
const storage = secretStorage(memoryStorage());
const rotation = { maxAge: 1, publishLead: 1, overlap: 1, keepHistory: 0 };
const ring = await KeyRing.create(storage, { suites: ['X25519'], audit, rotation });
const kid = ring.entries.find(({ purpose }) => purpose === 'kem')?.id as string;

/** Files of this process may become so large; only where it stands, since there is nothing between. */
function limit(bytes: number | 'unlimited'): void {
  execFileSync('prlimit', [`--fsize=${bytes}:`, '--pid', String(process.pid)]);
}

async function attempt(change: () => Promise<unknown>): Promise<void> {
  const before = await storage.read();
  const outcome = await change().then(
    () => 'done',
    (error) => (isSealwireError(error) ? error.code : String(error)),
  );
  console.log(outcome, (await storage.read()) === before ? 'nothing changed' : 'changed');
}

const changes = [() => ring.add({ purpose: 'audit' }), () => ring.rotate(), () => ring.emergency(kid)];
await new Promise((resolve) => setTimeout(resolve, 5));
limit(statSync(LOG_PATH).size + 10);
for (const change of changes) await attempt(change);
limit('unlimited');
for (const change of changes) await attempt(change);
const { entries } = await storage.read();
console.log(JSON.stringify(entries.map(({ id }) => id)));
ring.close();
await audit.close();
