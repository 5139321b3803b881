import { type SuiteName, suiteByName } from '@sealwire/core';
import { createKeyDirectory, KeyRing } from '@sealwire/keys';
import type { Command } from '../command.ts';
import { usage } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { jsonFlag, writeJson } from '../json.ts';
import { waitingFor } from '../terminal.ts';
import { changeFlags, directoryOf, passphraseOf, recorded } from './ring.ts';

export const keysInit: Command = {
  name: 'keys init',
  takes: '',
  summary: 'Makes a key directory with the first keys of a server, and prints its pin',
  flags: {
    ...changeFlags,
    suites: { value: 'NAMES', text: 'suites to make a KEM key for; default: MLKEM768-X25519,X25519,P-256' },
    json: jsonFlag,
  },
  notes: `The keys are in use at once. The passphrase has at least 8 bytes; a good one makes "openssl rand -base64 24".

  sealwire keys init --dir /var/lib/orders/keys --passphrase-file /etc/orders/passphrase
  sealwire keys init --suites X25519,P-256

Exit codes: 0, 1 there are keys already, or the directory cannot be made, 2 usage.`,
  run,
};

async function run(flags: Flags): Promise<number> {
  if (flags.positionals.length > 0) throw usage('The directory is given with --dir.');
  const folder = directoryOf(flags);
  const suites = suitesOf(flags);
  const passphrase = await passphraseOf(flags, folder, true);
  const [pin] = await recorded(flags, (options) =>
    waitingFor('Making the keys', async () => {
      const storage = await createKeyDirectory(folder, { passphrase });
      const ring = await KeyRing.create(storage, { ...options, ...(suites && { suites }) });
      ring.close();
      return ring.pins;
    }),
  );
  if (flags.has('json')) writeJson({ directory: folder, pin });
  else process.stdout.write(`${folder} has the keys of a server. Its pin, for clients:\n${pin}\n`);
  return 0;
}

/** They are looked at before anything is made. */
function suitesOf(flags: Flags): SuiteName[] | undefined {
  const names = flags.last('suites')?.split(',');
  const unknown = names?.find((name) => suiteByName(name) === undefined);
  if (unknown !== undefined)
    throw usage(`There is no suite ${JSON.stringify(unknown)}; there are MLKEM768-X25519, X25519 and P-256.`);
  return names as SuiteName[] | undefined;
}
