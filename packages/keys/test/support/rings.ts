import { createECDH } from 'node:crypto';
import {
  type AuditEvent,
  answerHandshake,
  beginHandshake,
  type Configuration,
  fromUtf8,
  isSealwireError,
  type KemPrivateKey,
  MemorySessionStore,
  type ServerKeys,
  type SuiteName,
  usableKeys,
  utf8,
  verifyConfiguration,
} from '@sealwire/core';
import { recording, secretStorage } from '../../../../test/support/recording.ts';
import { afterwards } from '../../../../test/support/resources.ts';
import { KeyRing, type KeyRingOptions, type KeyStorage, memoryStorage } from '../../src/index.ts';

export const origin = 'https://api.example.com';
export const subject = { aud: [origin], fields: [] };
export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** A time that a test moves. */
export function fakeTime(start = 1_800_000_000_000) {
  let now = start;
  const clock = () => now;
  return Object.assign(clock, {
    pass(milliseconds: number) {
      now += milliseconds;
    },
  });
}

/** What the audit log is told. */
export function recordingAudit() {
  const events: AuditEvent[] = [];
  return {
    events,
    record(event: AuditEvent) {
      events.push(event);
      recording.record(event);
    },
  };
}

/** A new ring in memory, closed after the test. */
export async function newRing(
  options: Parameters<typeof KeyRing.create>[1] = {},
  storage: KeyStorage = secretStorage(memoryStorage()),
) {
  const time = fakeTime();
  const ring = await KeyRing.create(storage, { suites: ['X25519'], clock: time, ...options });
  afterwards(() => ring.close());
  return { ring, storage, time };
}

/** Another process, as far as the ring can tell. */
export async function openRing(storage: KeyStorage, options: KeyRingOptions): Promise<KeyRing> {
  const ring = await KeyRing.open(storage, options);
  afterwards(() => ring.close());
  return ring;
}

/** What an HSM does for a P-256 key. */
export function hsmKey(): KemPrivateKey {
  const ecdh = createECDH('prime256v1');
  const pub = new Uint8Array(ecdh.generateKeys());
  return { suite: 'P-256', pub, dh: async (peer) => new Uint8Array(ecdh.computeSecret(peer)) };
}

/** The id of the one key of a suite, or another algorithm, with a status. */
export function idOf(ring: KeyRing, status: string, alg: string = 'X25519'): string {
  const found = ring.entries.filter((entry) => entry.status === status && entry.alg === alg);
  if (found.length !== 1) throw new Error(`${found.length} keys are ${status}`);
  return (found[0] as { id: string }).id;
}

/** What a client gets that asks now, verified. */
export async function fetched(
  keys: ServerKeys,
  now: number,
  identities = keys.pins,
): Promise<Configuration & { body: string; maxAge: number }> {
  const { body, maxAge } = await keys.publish(subject, now);
  return { ...(await verifyConfiguration(utf8(body), { identities, origin, now })), body, maxAge };
}

/** A handshake as a client does it that holds a configuration. @returns the kid, or the code of the refusal */
export async function shakeHands(
  { payload }: Configuration,
  server: ServerKeys,
  now: number,
  suite?: SuiteName,
): Promise<string> {
  const key = (await usableKeys(payload, now)).find(
    (each) => suite === undefined || each.suite.name === suite,
  );
  if (key === undefined) return 'no-common-suite';
  const client = await beginHandshake(key, now);
  try {
    const reply = await answerHandshake(client.body, {
      findKey: (kid) => server.findKey(kid),
      store: new MemorySessionStore(),
      now,
      maxAge: day,
      maxIdle: hour,
    });
    await client.finish(reply);
    return key.kid;
  } catch (error) {
    if (isSealwireError(error)) return error.code;
    throw error;
  }
}

/** A text as JSON, for what a ring published. */
export function payloadOf(body: string): Record<string, unknown> {
  const { payload } = JSON.parse(body) as { payload: string };
  return JSON.parse(fromUtf8(Buffer.from(payload, 'base64url'))) as Record<string, unknown>;
}
