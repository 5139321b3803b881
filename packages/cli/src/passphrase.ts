import { passphraseFromEnvironment } from '@sealwire/keys';
import { usage } from './failure.ts';
import { askHidden, isAttended } from './terminal.ts';

/** The passphrase in a file, without the line break at its end. @throws SealwireError `keys-invalid` if others may read it */
export async function passphraseFromFile(file: string): Promise<string | undefined> {
  return passphraseFromEnvironment({ SEALWIRE_KEYS_PASSPHRASE_FILE: file });
}

/**
 * Asks for a passphrase, for a new one twice.
 * @param otherwise how to give it where there is no terminal
 * @throws Failure
 */
export async function askPassphrase(question: string, isNew: boolean, otherwise: string): Promise<string> {
  if (!isAttended()) throw usage(`There is no terminal to ask for the passphrase on: ${otherwise}.`);
  const typed = await askHidden(`${question}: `);
  if (isNew && (await askHidden('The same again: ')) !== typed)
    throw usage('That was not the same. Nothing was made.');
  return typed;
}
