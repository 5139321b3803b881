import {
  type ConfigurationKey,
  type ConfigurationPayload,
  type ConfigurationSubject,
  clockTolerance,
  defaultHandshakePath,
  readUnverified,
  type SuiteName,
  suiteByName,
  utf8,
} from '@sealwire/core';
import { pinOf, signingIdentities, signsOnline } from './identities.ts';
import { everySuite } from './key-material.ts';
import { configurationLife, type Rotation, scheduleOf } from './rotation-policy.ts';
import type { KeyEntry, RingState } from './storage.ts';

const hour = 3_600_000;
/** A configuration that is signed online lasts this long at most, in milliseconds. */
const onlineLife = 24 * hour;
/** The same for one that a person signs: as long as the protocol allows. */
const offlineLife = 7 * 24 * hour;
const resignAfter = hour;

/** What a signed configuration in the ring's state says. */
export interface ReadConfiguration {
  readonly payload: ConfigurationPayload;
  /** Pins of those who signed. */
  readonly signers: readonly string[];
}

/** Name of a subject in the ring's state. */
export function subjectName({ aud, fields }: ConfigurationSubject): string {
  return JSON.stringify([aud, fields]);
}

/**
 * What a text says that the ring itself signed, or verified.
 * @throws SealwireError `configuration-invalid` for what was damaged since
 */
export function readConfiguration(body: string): ReadConfiguration {
  const { payload, named } = readUnverified(utf8(body));
  return { payload, signers: named };
}

/** How long a configuration of this ring is valid, in milliseconds. */
export function lifeOf(state: RingState, rotation: Rotation): number {
  return configurationLife(rotation, signsOnline(state.entries) ? onlineLife : offlineLife);
}

/** KEM keys to publish: for each suite those in use, the newest first, then those to come. */
function publishedKeys({ entries }: RingState): KeyEntry[] {
  const published = entries.filter(
    ({ purpose, status }) => purpose === 'kem' && (status === 'active' || status === 'pending'),
  );
  const rank = ({ alg, status }: KeyEntry) =>
    everySuite.indexOf(alg as SuiteName) + (status === 'active' ? 0 : 0.5);
  return published.sort(
    (one, other) => rank(one) - rank(other) || (other.promoted ?? 0) - (one.promoted ?? 0),
  );
}

/** The next configuration about a subject, to be signed at `now`. */
export function nextPayload(
  state: RingState,
  { aud, fields }: ConfigurationSubject,
  rotation: Rotation,
  now: number,
): ConfigurationPayload {
  const exp = now + lifeOf(state, rotation);
  const lead = scheduleOf('kem', rotation).lead;
  const keys = publishedKeys(state).map((entry): ConfigurationKey => {
    const { kem, id } = suiteByName(entry.alg) as { kem: number; id: string };
    const nbf = entry.status === 'active' ? now : (entry.published ?? now) + lead;
    return { kid: entry.id, kem, pub: entry.pub as string, suites: [id], nbf, exp };
  });
  // The time is what rises also when a state was lost, or another ring takes the place of this one.
  const seq = Math.max(state.seq + 1, now);
  return {
    v: 1,
    aud: [...aud],
    seq,
    iat: now,
    exp,
    handshake: defaultHandshakePath,
    fields: [...fields],
    keys,
  };
}

/** True if a valid configuration can be published at `now` without being signed again. */
export function isCurrent(
  { payload, signers }: ReadConfiguration,
  state: RingState,
  rotation: Rotation,
  now: number,
): boolean {
  // Who signs elsewhere decides when: until then the last one has to do.
  if (!signsOnline(state.entries)) return true;
  const life = lifeOf(state, rotation);
  if (now < payload.iat - clockTolerance || now - payload.iat >= Math.min(resignAfter, life / 4))
    return false;
  const online = signingIdentities(state.entries).filter(({ elsewhere }) => elsewhere !== true);
  return (
    sameNames(
      payload.keys.map(({ kid }) => kid),
      publishedKeys(state).map(({ id }) => id),
    ) && sameNames(signers, online.map(pinOf))
  );
}

function sameNames(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name) => others.includes(name));
}
