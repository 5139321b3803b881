import type { KeyEntry, KeyRing, NextStep } from '@sealwire/keys';
import type { Command } from '../command.ts';
import { usage } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { jsonFlag, writeJson } from '../json.ts';
import { moment, roughly } from '../times.ts';
import { prefixLength } from './ids.ts';
import { directoryFlags, policyFlags, policyNote, withRing } from './ring.ts';

export const keysList: Command = {
  name: 'keys list',
  takes: '',
  summary: 'The keys of a key directory: what each is for, its status, and what becomes of it next',
  flags: { ...directoryFlags, ...policyFlags, json: jsonFlag },
  notes: `The short ids are enough for other commands. What is due next happens by "keys rotate", or by a server that rotates.

  sealwire keys list --dir /var/lib/orders/keys
  sealwire keys list --json | jq '.[] | select(.status == "pending")'

${policyNote}

Exit codes: 0, 1 the keys cannot be read, 2 usage.`,
  run,
};

async function run(flags: Flags): Promise<number> {
  if (flags.positionals.length > 0) throw usage('It takes no ID: it lists every key.');
  return withRing(flags, async (ring) => {
    if (flags.has('json')) writeJson(ring.entries.map((entry) => description(ring, entry)));
    else process.stdout.write(table(rows(ring, Date.now())));
    return 0;
  });
}

function description(ring: KeyRing, { id, ...entry }: KeyEntry) {
  const { pin } = ring.exportPublic(id);
  return { id, ...entry, ...(pin !== undefined && { pin }), next: ring.nextStep(id) ?? null };
}

function rows(ring: KeyRing, now: number): string[][] {
  const length = prefixLength(ring.entries);
  return [
    ['ID', 'PURPOSE', 'ALGORITHM', 'STATUS', 'SINCE', 'NEXT'],
    ...ring.entries.map((entry) => [
      entry.id.slice(0, length),
      entry.purpose,
      entry.alg,
      entry.revoked === true ? `${entry.status}, revoked` : entry.status,
      moment(since(entry)),
      whatIsNext(ring.nextStep(entry.id), now),
    ]),
  ];
}

/** Since when a key has its status. */
function since({ status, created, promoted, retired, disabled, destroyed }: KeyEntry): number {
  const times = { pending: created, active: promoted, retiring: retired, disabled, destroyed };
  return times[status] ?? created;
}

const words = {
  add: 'successor',
  promote: 'active',
  retire: 'retiring',
  disable: 'disabled',
  destroy: 'destroyed',
  forget: 'forgotten',
} as const;

function whatIsNext(next: NextStep | undefined, now: number): string {
  if (next === undefined) return '-';
  const { step, from } = next;
  return from <= now ? `${words[step]}, due` : `${words[step]} in ${roughly(from - now)} (${moment(from)})`;
}

function table(lines: readonly string[][]): string {
  const widths = (lines[0] as string[]).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] as string).length)),
  );
  return lines
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] as number)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
