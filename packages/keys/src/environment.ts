import { maxBundleLength, openBundleOf } from './bundle.ts';
import { keysInvalid } from './failures.ts';
import { maxPassphraseLength } from './passphrase.ts';
import { readPrivateFile } from './private-files.ts';
import type { KeyStorage } from './storage.ts';

type Environment = Record<string, string | undefined>;

/**
 * The keys in `SEALWIRE_KEYS`, a text of `exportBundle()`, or in the file that `SEALWIRE_KEYS_FILE` names; undefined if
 * neither is set. If they are encrypted, with the passphrase of {@link passphraseFromEnvironment}. What held a secret is
 * deleted from `env`, so that neither child processes nor dumps of `process.env` show it; the system itself still does
 * (`/proc/<pid>/environ` on Linux, for the same user).
 * @throws SealwireError `keys-invalid`; `invalid-option` for a passphrase that is too short
 */
export async function storageFromEnvironment(
  env: Environment = process.env,
): Promise<KeyStorage | undefined> {
  const passphrase = await passphraseFromEnvironment(env);
  const found = await fromEnvironment(env, 'SEALWIRE_KEYS', maxBundleLength);
  return found && openBundleOf(found.place, found.text, { passphrase });
}

/**
 * The passphrase in `SEALWIRE_KEYS_PASSPHRASE`, which is deleted from `env`, or in the file that
 * `SEALWIRE_KEYS_PASSPHRASE_FILE` names, without the line break at its end; undefined if neither is set.
 * @throws SealwireError `keys-invalid`
 */
export async function passphraseFromEnvironment(env: Environment = process.env): Promise<string | undefined> {
  const found = await fromEnvironment(env, 'SEALWIRE_KEYS_PASSPHRASE', maxPassphraseLength + 2);
  return found?.text.replace(/\r?\n$/, '');
}

/** The text of a variable, or of the file that the one with `_FILE` behind its name names. */
async function fromEnvironment(
  env: Environment,
  name: string,
  maxLength: number,
): Promise<{ place: string; text: string } | undefined> {
  const text = env[name];
  delete env[name];
  const fileName = `${name}_FILE`;
  const path = env[fileName];
  if (text !== undefined && path !== undefined)
    throw keysInvalid(name, `and ${fileName} are both set`, 'Set one of them.');
  if (text === '' || path === '')
    throw keysInvalid(text === '' ? name : fileName, 'is empty', 'Set or remove it.');
  if (text !== undefined) return { place: name, text };
  if (path === undefined) return undefined;
  const bytes = await readPrivateFile(path, maxLength, true);
  const read = { place: path, text: bytes.toString() };
  bytes.fill(0);
  return read;
}
