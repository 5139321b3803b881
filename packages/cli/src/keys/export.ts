import { writeFileSync } from 'node:fs';
import { type AccessPolicy, KeyRing } from '@sealwire/keys';
import type { Command } from '../command.ts';
import { fileFailure, usage } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { writeJson } from '../json.ts';
import { passphraseFromFile } from '../passphrase.ts';
import { waitingFor } from '../terminal.ts';
import { findKey, idOf } from './ids.ts';
import { changeFlags, directoryFlags, openStorage, recorded, withRing } from './ring.ts';

export const keysExportPublic: Command = {
  name: 'keys export-public',
  takes: '[ID]',
  summary: 'What anybody may know of a key, or of all, as JSON: id, public half, status, pin',
  flags: directoryFlags,
  notes: `  sealwire keys export-public 9f3kQzV1
  sealwire keys export-public | jq -r '.[] | select(.pin and .status == "active") | .pin'

Exit codes: 0, 1 the keys cannot be read, 2 usage.`,
  run: exportPublic,
};

export const keysExportBundle: Command = {
  name: 'keys export-bundle',
  takes: 'FILE',
  summary: 'Writes all keys into a new file, encrypted, for $SEALWIRE_KEYS_FILE',
  flags: {
    ...changeFlags,
    'bundle-passphrase-file': {
      value: 'FILE',
      text: "file with the bundle's passphrase; default: that of the directory",
    },
  },
  notes: `Who has the file and its passphrase has every secret of the server. The keys in it cannot be rotated where it is used:
rotate those of the directory, and export again.

  sealwire keys export-bundle --dir /var/lib/orders/keys --bundle-passphrase-file bundle-passphrase orders.keys

Exit codes: 0, 1 the keys cannot be read, or the file is there already, 2 usage.`,
  run: exportAll,
};

async function exportPublic(flags: Flags): Promise<number> {
  const { positionals } = flags;
  return withRing(flags, async (ring) => {
    if (positionals.length === 0) writeJson(ring.entries.map(({ id }) => ring.exportPublic(id)));
    else writeJson(ring.exportPublic(findKey(ring.entries, idOf(positionals)).id));
    return 0;
  });
}

/** Whoever gives this very command, and knows the passphrase, may have what a ring denies by default. */
const everything: AccessPolicy[string] = {
  kem: ['export'],
  identity: ['export'],
  'store-wrap': ['export'],
  ticket: ['export'],
  audit: ['export'],
};

async function exportAll(flags: Flags): Promise<number> {
  const [file, ...others] = flags.positionals;
  if (file === undefined || others.length > 0) throw usage('Give the one FILE to write.');
  const other = flags.last('bundle-passphrase-file');
  const bundlePassphrase = other === undefined ? undefined : await passphraseFromFile(other);
  const text = await recorded(flags, async (options) => {
    const { storage, passphrase: own } = await openStorage(flags);
    const policy = { [options.actor]: everything };
    const ring = await waitingFor('Reading the keys', () => KeyRing.open(storage, { ...options, policy }));
    try {
      const passphrase = bundlePassphrase ?? own;
      return await waitingFor('Encrypting', () => ring.exportBundle({ passphrase }));
    } finally {
      ring.close();
    }
  });
  try {
    writeFileSync(file, `${text}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw fileFailure(1, error);
  }
  process.stdout.write(`${file} has the keys, encrypted.\n`);
  return 0;
}
