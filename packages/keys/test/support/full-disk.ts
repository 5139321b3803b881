// Changes a key directory where no file may become larger than so many bytes.
import { execFileSync } from 'node:child_process';
import { isSealwireError } from '@sealwire/core';
import { openKeyDirectory } from '../../src/key-directory.ts';
import { adding, newKey } from './keys.ts';

const { KEYS_FOLDER: folder = '', KEYS_PASSPHRASE: passphrase = '', LIMIT } = process.env;
const storage = await openKeyDirectory(folder, { passphrase });
const change = adding(await newKey('Ed25519'));
execFileSync('prlimit', [`--fsize=${LIMIT}:`, '--pid', String(process.pid)]);
try {
  await storage.update(change);
  console.log('written');
} catch (error) {
  if (!isSealwireError(error)) throw error;
  console.log(error.code, error.message);
} finally {
  // What the run keeps of this process is a file, too.
  execFileSync('prlimit', ['--fsize=unlimited:', '--pid', String(process.pid)]);
}
