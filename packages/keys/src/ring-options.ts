import {
  type AuditSink,
  type KemPrivateKey,
  parsePin,
  SealwireError,
  type SuiteName,
  suiteByName,
} from '@sealwire/core';
import { Access, type AccessPolicy } from './access-policy.ts';
import { everySuite } from './key-material.ts';
import { type Rotation, type RotationPolicy, resolveRotation } from './rotation-policy.ts';

export interface KeyRingOptions {
  /** When keys are replaced. */
  readonly rotation?: RotationPolicy;
  /** KEM keys that are kept in an HSM or a KMS. Those that the ring does not know yet are added to it. */
  readonly remote?: readonly KemPrivateKey[];
  /** The name under which this process acts. Default `server`. */
  readonly actor?: string;
  /** What each actor may do with the keys of each purpose. Default: everything but `export`. */
  readonly policy?: AccessPolicy;
  /** What is told of everything that happens to a key. */
  readonly audit?: AuditSink;
  /** Server time in milliseconds, for tests. Default `Date.now`. */
  readonly clock?: () => number;
}

export interface NewKeyRingOptions extends KeyRingOptions {
  /** The suites to make a KEM key for. Default: all, but those that `remote` has a key for. */
  readonly suites?: readonly SuiteName[];
  /** Pin of an identity whose secret is elsewhere, and which signs there. Default: a new one in the storage. */
  readonly identity?: string;
}

/** The options after validation, every one decided. */
export interface RingSettings {
  readonly rotation: Rotation;
  readonly remote: readonly KemPrivateKey[];
  readonly access: Access;
  readonly audit: AuditSink | undefined;
  readonly clock: () => number;
}

const known = ['rotation', 'remote', 'actor', 'policy', 'audit', 'clock'];
const knownToNew = [...known, 'suites', 'identity'];

/** @throws SealwireError `invalid-option` */
export function resolveRingOptions(options: KeyRingOptions, names = known): RingSettings {
  for (const name of Object.keys(options))
    if (!names.includes(name))
      throw invalid(`There is no option \`${name}\`; there are ${names.join(', ')}.`);
  const { remote = [], actor = 'server', policy, audit, clock = Date.now } = options;
  if (typeof actor !== 'string' || actor === '') throw invalid('`actor` is a name.');
  if (typeof clock !== 'function') throw invalid('`clock` is a function that returns milliseconds.');
  if (!Array.isArray(remote) || remote.some((key) => suiteByName(key?.suite) === undefined))
    throw invalid('`remote` is a list of keys, each with its suite.');
  if (audit !== undefined && typeof audit?.record !== 'function')
    throw invalid('`audit` has the method record(event).');
  return {
    rotation: resolveRotation(options.rotation),
    remote,
    access: new Access(actor, policy, audit, clock),
    audit,
    clock,
  };
}

/** @throws SealwireError `invalid-option` */
export function resolveNewRing(options: NewKeyRingOptions): {
  suites: readonly SuiteName[];
  settings: RingSettings;
} {
  const settings = resolveRingOptions(options, knownToNew);
  if (options.identity !== undefined) parsePin(options.identity);
  const elsewhere = settings.remote.map(({ suite }) => suite);
  const { suites = everySuite.filter((name) => !elsewhere.includes(name)) } = options;
  if (!Array.isArray(suites)) throw invalid('`suites` is a list of names.');
  for (const name of suites) if (suiteByName(name) === undefined) throw unknownSuite(name);
  return { suites: [...new Set(suites)], settings };
}

export function unknownSuite(name: unknown): SealwireError {
  return invalid(
    `There is no suite ${typeof name === 'string' ? JSON.stringify(name) : typeof name}; the suites are ${everySuite.join(', ')}.`,
  );
}

function invalid(detail: string): SealwireError {
  return new SealwireError('invalid-option', detail);
}
