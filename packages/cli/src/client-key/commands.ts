import { existsSync } from 'node:fs';
import { clientKeyFile } from '@sealwire/client/node';
import type { Command } from '../command.ts';
import { Failure, usage } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { jsonFlag, writeJson } from '../json.ts';
import { askPassphrase, passphraseFromFile } from '../passphrase.ts';
import { waitingFor } from '../terminal.ts';

const flags = {
  'passphrase-file': { value: 'FILE', text: "file with the key's passphrase; default: you are asked" },
  json: jsonFlag,
};

export const clientKeyCreate: Command = {
  name: 'client-key create',
  takes: 'FILE',
  summary: 'Makes the key of a client, in a new encrypted file, and prints its thumbprint',
  flags,
  notes: `The thumbprint is no secret: the server lists it in \`allowClients\`. The client opens the file with clientKeyFile().

  sealwire client-key create --passphrase-file passphrase client.key

Exit codes: 0, 1 the file is there already, or cannot be written, 2 usage.`,
  run: create,
};

export const clientKeyThumbprint: Command = {
  name: 'client-key thumbprint',
  takes: 'FILE',
  summary: "The thumbprint of a client's key, for `allowClients` of the server",
  flags,
  notes: `  sealwire client-key thumbprint --passphrase-file passphrase client.key

Exit codes: 0, 1 the file cannot be used, or the passphrase is another one, 2 usage.`,
  run: thumbprint,
};

async function create(flags: Flags): Promise<number> {
  const file = fileOf(flags);
  if (existsSync(file))
    throw new Failure(1, 'file', `${file} is there already: "client-key thumbprint" tells its thumbprint.`);
  return open(flags, file, true);
}

async function thumbprint(flags: Flags): Promise<number> {
  const file = fileOf(flags);
  // Otherwise it would be made.
  if (!existsSync(file)) throw new Failure(1, 'file', `There is no ${file}: "client-key create" makes it.`);
  return open(flags, file, false);
}

async function open(flags: Flags, file: string, isNew: boolean): Promise<number> {
  const passphrase = await passphraseOf(flags, file, isNew);
  const key = await waitingFor('Deriving the key', () => clientKeyFile(file, { passphrase }));
  if (flags.has('json')) writeJson({ file, thumbprint: key.thumbprint });
  else process.stdout.write(`${key.thumbprint}\n`);
  return 0;
}

async function passphraseOf(flags: Flags, file: string, isNew: boolean): Promise<string> {
  const from = flags.last('passphrase-file');
  const found = from === undefined ? undefined : await passphraseFromFile(from);
  return found ?? askPassphrase(`Passphrase of ${file}`, isNew, 'give --passphrase-file FILE');
}

function fileOf({ positionals: [file, ...others] }: Flags): string {
  if (file === undefined || others.length > 0) throw usage('Give the one FILE of the key.');
  return file;
}
