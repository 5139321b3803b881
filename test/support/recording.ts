import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AuditEvent,
  type AuditSink,
  MemorySessionStore,
  type SessionStore,
  StaticKeys,
} from '@sealwire/core';
import type { KeyStorage } from '@sealwire/keys';
import type { SealwireOptions } from '@sealwire/node';

// What a test process knows of secrets and heard of events, for the runner to judge at the end (check-records.ts).

const folder = process.env.SEALWIRE_RECORDS;
/** More of one process are not kept: a flood of sessions says nothing new. */
const most = 5000;
const secrets = new Set<string>();
const events: AuditEvent[] = [];
const printed: string[] = [];

if (folder !== undefined) {
  process.once('exit', () => {
    writeFileSync(join(folder, `${process.pid}.secrets`), [...secrets].join('\n'));
    writeFileSync(
      join(folder, `${process.pid}.events`),
      events.map((event) => JSON.stringify(event)).join('\n'),
    );
    writeFileSync(join(folder, `${process.pid}.printed`), printed.join(''));
  });
}

/** Nothing that is printed or recorded may hold these bytes, or this text, from now on. */
export function isSecret(secret: Uint8Array | string): void {
  if (secrets.size < most) secrets.add(Buffer.from(secret as Uint8Array).toString('base64'));
}

/** Keeps what another program wrote, to be searched for secrets. */
export function wasPrinted(text: string | Uint8Array): void {
  if (folder !== undefined) printed.push(Buffer.from(text as Uint8Array).toString('latin1'));
}

/** New keys whose private halves nobody may print. */
export async function secretKeys(
  ...suites: Parameters<typeof StaticKeys.generateExported>
): Promise<StaticKeys> {
  const exported = await StaticKeys.generateExported(...suites);
  const { identity, kem } = JSON.parse(exported) as { identity: { seed: string }; kem: { key: string }[] };
  for (const key of [identity.seed, ...kem.map((each) => each.key)]) isSecret(Buffer.from(key, 'base64url'));
  return StaticKeys.import(exported);
}

/** The same storage, the secrets of whose keys nobody may print: those that are added to it from now on. */
export function secretStorage(storage: KeyStorage): KeyStorage {
  const update = storage.update;
  storage.update = function updateSecrets(change) {
    return update.call(this, async (state) => {
      const made = await change(state);
      for (const secret of made?.secrets?.values() ?? []) isSecret(secret);
      return made;
    });
  };
  return storage;
}

/** Keeps what it is told, to be judged. */
export const recording: AuditSink = {
  record(event) {
    if (events.length < most) events.push(event);
  },
};

/** Options of a server whose events are recorded, and whose sessions are secrets. */
export function recorded<Options extends SealwireOptions>(
  options: Options,
): Options & { store: SessionStore } {
  const store = options.store ?? new MemorySessionStore();
  if (folder === undefined) return { ...options, store };
  const create = store.create;
  store.create = function createSecret(...[sid, info, master, now]) {
    for (const secret of [Buffer.from(sid, 'base64url'), master]) isSecret(secret);
    return create.call(this, sid, info, master, now);
  };
  return { ...options, store, audit: [...[options.audit ?? []].flat(), recording] };
}
