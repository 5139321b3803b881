import type { SuiteName } from '@sealwire/core';
import type { KeyToAdd } from '@sealwire/keys';
import type { Command } from '../command.ts';
import { usage } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { jsonFlag } from '../json.ts';
import { waitingFor } from '../terminal.ts';
import { writeEvents } from './events.ts';
import { changeFlags, withRing } from './ring.ts';

export const keysAdd: Command = {
  name: 'keys add',
  takes: 'kem SUITE | identity | store-wrap | ticket | audit',
  summary: 'Adds a key, which is published, and not in use until it is promoted',
  flags: { ...changeFlags, json: jsonFlag },
  notes: `A KEM key has a suite: MLKEM768-X25519, X25519 or P-256.

  sealwire keys add kem X25519
  sealwire keys add identity

Exit codes: 0, 1 the keys cannot be read or changed, 2 usage.`,
  run,
};

async function run(flags: Flags): Promise<number> {
  const key = keyToAdd(flags.positionals);
  return withRing(flags, async (ring, events) => {
    await waitingFor('Making the key', () => ring.add(key));
    writeEvents(flags, ring.entries, events, '');
    return 0;
  });
}

/** The library says what it does not know. */
function keyToAdd([purpose, suite, ...others]: readonly string[]): KeyToAdd {
  if (purpose === undefined || others.length > 0 || (purpose === 'kem') !== (suite !== undefined))
    throw usage(
      'Give what the key is for, and of a KEM key its suite: "keys add kem X25519", "keys add identity".',
    );
  return { purpose, ...(suite !== undefined && { suite: suite as SuiteName }) } as KeyToAdd;
}
