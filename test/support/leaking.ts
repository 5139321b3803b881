// Makes a secret and lets it out, into a file and by what a program prints.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folders.ts';
import { isSecret, wasPrinted } from './recording.ts';
import { releaseAll } from './resources.ts';

const secret = randomBytes(32);
isSecret(secret);
const logs = join(temporaryFolder(), 'logs');
mkdirSync(logs);
writeFileSync(join(logs, 'server.log'), `the key is ${secret.toString('base64url')}`);
// Tells the test that it is there.
console.log('leaks');
wasPrinted(`the key is ${secret.toString('hex')}`);
await releaseAll();
