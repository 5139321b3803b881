// Adds keys to a directory, one with each change.
import { openKeyDirectory } from '../../src/key-directory.ts';
import { adding, newKey, passphrase } from './keys.ts';

const { KEYS_FOLDER: folder = '', COUNT } = process.env;
const storage = await openKeyDirectory(folder, { passphrase });
console.log('ready');
for (let count = Number(COUNT); count > 0; count--) await storage.update(adding(await newKey('HMAC-SHA256')));
