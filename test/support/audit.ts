import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AuditEvent, type FileSinkOptions, fileSink } from '@sealwire/audit';
import { encodeBase64Url, generateSigner } from '@sealwire/core';
import { temporaryFolder } from './folders.ts';
import { isSecret } from './recording.ts';

export const logKey = new Uint8Array(randomBytes(32));
isSecret(logKey);
export const logSigner = await generateSigner();
const kid = encodeBase64Url(randomBytes(32));

/** A path for a log, in a folder that is removed after the test. */
export function logPath(): string {
  return join(temporaryFolder(), 'audit.jsonl');
}

export function openLog(path: string, options: Partial<FileSinkOptions> = {}) {
  return fileSink(path, { key: logKey, signer: logSigner, ...options });
}

/** A rejected exchange, the bytes of which are its number. */
export function sampleEvent(number: number): AuditEvent {
  const about = { session: undefined, kid, client: undefined, bytes: number, duration: 1 };
  return { type: 'exchange.rejected', time: Date.now(), reason: 'rejected', ...about };
}

export function keyEvent(type: 'key.created' | 'key.destroyed' = 'key.created'): AuditEvent {
  return { type, time: Date.now(), kid, purpose: 'kem', actor: 'operator' };
}

/** Writes a log of so many events and closes it. */
export async function writeLog(path: string, events: number, options?: Partial<FileSinkOptions>) {
  const sink = await openLog(path, options);
  for (let number = 0; number < events; number++) sink.record(sampleEvent(number));
  await sink.close();
}

/** The lines of a log as JSON. */
export function linesOf(path: string) {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** The events in a log. */
export function eventsOf(path: string): AuditEvent[] {
  return linesOf(path).flatMap(({ event }) => (event === undefined ? [] : [event]));
}
