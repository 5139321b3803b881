import type { Command } from '../command.ts';
import { usage } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { jsonFlag } from '../json.ts';
import { waitingFor } from '../terminal.ts';
import { writeEvents } from './events.ts';
import { changeFlags, policyFlags, policyNote, withRing } from './ring.ts';

export const keysRotate: Command = {
  name: 'keys rotate',
  takes: '',
  summary:
    'Does what is due, as a server that rotates does: successors, promotions, retirements, destruction',
  flags: { ...changeFlags, ...policyFlags, json: jsonFlag },
  notes: `For a scheduled job, once a minute to once an hour. It changes nothing when nothing is due, and may run beside servers
that rotate by themselves.

  sealwire keys rotate --dir /var/lib/orders/keys --passphrase-file /etc/orders/passphrase

${policyNote}

Exit codes: 0, 1 the keys cannot be read or changed, 2 usage.`,
  run,
};

async function run(flags: Flags): Promise<number> {
  if (flags.positionals.length > 0)
    throw usage('It takes no ID: "keys add" begins a rotation before its time.');
  return withRing(flags, async (ring, events) => {
    await waitingFor('Changing the keys', () => ring.rotate());
    writeEvents(flags, ring.entries, events, 'Nothing is due.');
    return 0;
  });
}
