import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { AuditEvent } from '@sealwire/core';
import { KeyRing, type KeyStorage, openKeyDirectory, passphraseFromEnvironment } from '@sealwire/keys';
import { auditFlags, operatorsLog } from '../audit/operators-log.ts';
import { Failure, usage } from '../failure.ts';
import type { Flags, FlagTable } from '../flags.ts';
import { askPassphrase, passphraseFromFile } from '../passphrase.ts';
import { waitingFor } from '../terminal.ts';
import { durationOf } from '../times.ts';

/** Flags of every command on a key directory. */
export const directoryFlags = {
  dir: { value: 'DIR', text: 'the key directory; default: $SEALWIRE_KEYS_DIR, else keys' },
  'passphrase-file': {
    value: 'FILE',
    text: 'file with its passphrase; default: $SEALWIRE_KEYS_PASSPHRASE_FILE, $SEALWIRE_KEYS_PASSPHRASE, else you are asked',
  },
} as const satisfies FlagTable;

/** Flags of commands that depend on when something may be done. */
export const policyFlags = {
  'max-age': { value: 'TIME', text: 'age at which a KEM key gets a successor; default: 30d' },
  'publish-lead': { value: 'TIME', text: 'how long a key is published before it is used; default: 1h' },
  overlap: { value: 'TIME', text: 'how long a replaced key is accepted; default: 25h' },
  'keep-history': { value: 'TIME', text: "how long a disabled key's secret is kept; default: 1d" },
} as const satisfies FlagTable;

/** Flags of commands that change something. */
export const changeFlags = {
  ...directoryFlags,
  actor: { value: 'NAME', text: 'who does it, for the audit log; default: cli:USER' },
  ...auditFlags,
} as const satisfies FlagTable;

/** Said of commands with `policyFlags`. */
export const policyNote = `Times are like 30d, 25h, 10m, 90s. Give those that the servers have in their option \`rotation\`: with shorter ones
a step can be taken while clients still need what was before.`;

/** The directory that the flags name. */
export function directoryOf(flags: Flags): string {
  return flags.last('dir') ?? (process.env.SEALWIRE_KEYS_DIR || 'keys');
}

/** The passphrase of a key directory. @throws Failure, SealwireError `keys-invalid` */
export async function passphraseOf(flags: Flags, folder: string, isNew = false): Promise<string> {
  const file = flags.last('passphrase-file');
  const found = await (file === undefined ? passphraseFromEnvironment() : passphraseFromFile(file));
  const otherwise = 'give --passphrase-file FILE, or set SEALWIRE_KEYS_PASSPHRASE_FILE';
  return found ?? askPassphrase(`Passphrase of ${folder}`, isNew, otherwise);
}

/** The storage that the flags name, and its passphrase. @throws Failure, SealwireError `keys-invalid`, `invalid-option` */
export async function openStorage(flags: Flags): Promise<{ storage: KeyStorage; passphrase: string }> {
  const folder = directoryOf(flags);
  if (!existsSync(folder))
    throw new Failure(
      1,
      'keys-invalid',
      `There is no key directory ${folder}. Make it with "sealwire keys init --dir ${folder}".`,
    );
  const passphrase = await passphraseOf(flags, folder);
  return {
    storage: await waitingFor('Opening the keys', () => openKeyDirectory(folder, { passphrase })),
    passphrase,
  };
}

/** Something that was done to a key. */
export type KeyEvent = Extract<AuditEvent, { readonly kid: string; readonly purpose: unknown }>;

/**
 * Opens the key ring that the flags name, and closes it behind `use`, when the audit log, if there is one, has it all.
 * @param flags of `directoryFlags`, and perhaps `policyFlags` and `changeFlags`
 * @param use is given the ring, and what was done to keys so far
 * @throws Failure, SealwireError
 */
export async function withRing<T>(
  flags: Flags,
  use: (ring: KeyRing, events: readonly KeyEvent[]) => Promise<T>,
): Promise<T> {
  return recorded(flags, async (options, events) => {
    const { storage } = await openStorage(flags);
    const ring = await waitingFor('Reading the keys', () => KeyRing.open(storage, options));
    try {
      return await use(ring, events);
    } finally {
      ring.close();
    }
  });
}

type RingOptions = NonNullable<Parameters<typeof KeyRing.open>[1]> & { readonly actor: string };

/** Calls `act` with the options for a key ring whose events are recorded, and closes the audit log behind it. */
export async function recorded<T>(
  flags: Flags,
  act: (options: RingOptions, events: readonly KeyEvent[]) => Promise<T>,
): Promise<T> {
  const options = { rotation: rotationOf(flags), actor: actorOf(flags) };
  const events: KeyEvent[] = [];
  // Opened first, and flushed before a change takes effect: what cannot be recorded does not happen.
  const log = await operatorsLog(flags);
  const record = (event: AuditEvent) => {
    events.push(event as KeyEvent);
    log?.record(event);
  };
  const audit = { record, flush: async () => log?.flush() };
  let result: T;
  try {
    result = await act({ ...options, audit }, events);
  } catch (error) {
    // That it cannot be closed either is not what has to be told.
    await log?.close().catch(() => {});
    throw error;
  }
  await log?.close();
  return result;
}

function rotationOf(flags: Flags): NonNullable<RingOptions['rotation']> {
  const names = {
    maxAge: 'max-age',
    publishLead: 'publish-lead',
    overlap: 'overlap',
    keepHistory: 'keep-history',
  };
  const given = Object.entries(names).map(([option, flag]) => [option, flags.last(flag), flag] as const);
  return Object.fromEntries(
    given.flatMap(([option, text, flag]) => (text === undefined ? [] : [[option, durationOf(flag, text)]])),
  );
}

function actorOf(flags: Flags): string {
  const given = flags.last('actor');
  if (given === '') throw usage('--actor is a name.');
  return given ?? `cli:${userName()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the user often has a number and no name.
    return String(process.geteuid?.());
  }
}
