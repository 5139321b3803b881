import type { KeyEntry, KeyRing } from '@sealwire/keys';
import type { Command } from '../command.ts';
import { Failure, usage } from '../failure.ts';
import type { Flags, FlagTable } from '../flags.ts';
import { jsonFlag } from '../json.ts';
import { ask, isAttended, waitingFor } from '../terminal.ts';
import { writeEvents } from './events.ts';
import { findKey, idOf } from './ids.ts';
import { changeFlags, policyFlags, policyNote, withRing } from './ring.ts';

interface Step {
  readonly name: 'promote' | 'retire' | 'disable' | 'destroy' | 'emergency';
  readonly summary: string;
  readonly notes: string;
  /** Of a step that waits for a time to pass: which. */
  readonly times?: FlagTable;
  /** Of a step that cannot be taken back: what is lost. */
  readonly loses?: (entry: KeyEntry) => string;
}

const steps: readonly Step[] = [
  {
    name: 'promote',
    summary: 'Puts a pending key into use',
    notes: 'The key that it replaces stays in use until it is retired, by "keys rotate" or "keys retire".',
    times: { 'publish-lead': policyFlags['publish-lead'] },
  },
  {
    name: 'retire',
    summary: 'Publishes a key no more, but accepts it for those who know it',
    notes: 'Another active key has to be there.',
  },
  {
    name: 'disable',
    summary: 'Accepts a retiring key no more',
    notes: 'It can be done when no configuration that names the key is valid any more.',
    times: { overlap: policyFlags.overlap },
  },
  {
    name: 'destroy',
    summary: 'Erases the secret of a disabled key',
    notes: 'Backups, snapshots and flash keep copies of its file, encrypted with the passphrase.',
    loses: () => 'Its secret is erased for good.',
  },
  {
    name: 'emergency',
    summary: 'Takes a stolen key out at once, puts a new one in its place, and ends its sessions',
    notes: 'An identity can be taken out so when another one, whose pin clients have, is active.',
    loses: ({ purpose }) =>
      purpose === 'identity'
        ? 'Clients that pin only this identity are locked out until they are updated.'
        : 'Its sessions end: clients do a new handshake, and their POSTs that run may be of unknown outcome.',
  },
];

/** The commands that take a key from one status to the next. */
export const keysSteps: readonly Command[] = steps.map(({ name, summary, notes, times, loses }) => ({
  name: `keys ${name}`,
  takes: 'ID',
  summary,
  flags: {
    ...changeFlags,
    ...times,
    ...(loses && { yes: { text: 'do not ask; needed where there is no terminal' } }),
    json: jsonFlag,
  },
  notes: `${notes} ID may be shortened, as "keys list" does; one that begins with a dash comes behind "--".

  sealwire keys ${name} ${loses ? '--yes ' : ''}9f3kQzV1
  sealwire keys ${name} --dir /var/lib/orders/keys ${loses ? '--yes ' : ''}-- -3kQzV1a
${times ? `\n${policyNote}\n` : ''}
Exit codes: 0 it is done, or was done before, 1 it cannot be done (yet), 2 usage.`,
  run: (flags) => run(flags, name, loses),
}));

async function run(flags: Flags, name: Step['name'], loses: Step['loses']): Promise<number> {
  const given = idOf(flags.positionals);
  if (loses !== undefined && !flags.has('yes') && !isAttended())
    throw usage(`"keys ${name}" cannot be taken back, and there is no terminal to ask on: say --yes.`);
  return withRing(flags, async (ring, events) => {
    const entry = findKey(ring.entries, given);
    if (loses !== undefined && !flags.has('yes')) await confirm(name, entry, loses(entry));
    await waitingFor('Changing the keys', () => take(ring, name, entry.id));
    writeEvents(
      flags,
      ring.entries,
      events,
      `Nothing to do: the key is ${findKey(ring.entries, entry.id).status}.`,
    );
    return 0;
  });
}

function take(ring: KeyRing, name: Step['name'], id: string): Promise<void> {
  return ring[name](id);
}

async function confirm(name: string, { id, purpose, alg, status }: KeyEntry, loss: string): Promise<void> {
  const answer = await ask(`${name}: ${purpose} ${alg} ${id}, ${status}. ${loss} Type yes to go on: `);
  if (answer.trim() !== 'yes') throw new Failure(1, 'interrupted', 'Nothing was done.');
}
