// The server's keys: a key ring in a folder, so that a restart is nothing to clients. SEALWIRE_KEYS_DIR names another folder.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createKeyDirectory, KeyRing, openKeyDirectory, passphraseFromEnvironment } from '@sealwire/keys';

const ownFolder = fileURLToPath(new URL('.keys', import.meta.url));

/** The ring, made if there is none. It changes its keys by itself from now on. */
export async function openKeys(folder = process.env.SEALWIRE_KEYS_DIR || ownFolder) {
  const passphrase = (await passphraseFromEnvironment()) ?? demonstrationPassphrase(`${folder}-passphrase`);
  const there = existsSync(`${folder}/manifest.json`);
  const storage = await (there ? openKeyDirectory : createKeyDirectory)(folder, { passphrase });
  const ring = await (there ? KeyRing.open(storage) : KeyRing.create(storage));
  ring.start();
  return ring;
}

/**
 * For demonstration only: a passphrase beside the keys that it protects keeps nobody out who can read both. A real one
 * is in SEALWIRE_KEYS_PASSPHRASE_FILE, which the machine hands to this service alone.
 */
function demonstrationPassphrase(file) {
  try {
    writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8');
}
