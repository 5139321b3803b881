import type { KeyObject } from 'node:crypto';
import * as assert from 'uvu/assert';
import type { WireClient } from './wire-client.ts';

/** A text that is nowhere but in what is sealed. */
export const marker = 'gooseberry-4711';

/** Every form in which bytes could stand in a text. */
function forms(bytes: Uint8Array): string[] {
  const start = Buffer.from(bytes.subarray(0, 9));
  const hex = start.toString('hex');
  return [
    start.toString('base64'),
    start.toString('base64url'),
    hex,
    hex.toUpperCase(),
    (hex.match(/../g) as string[]).join(' '),
    [...start].join(', '),
    [...start].join(','),
  ];
}

export interface Secrets {
  texts: string[];
  bytes: Uint8Array[];
}

export function found({ texts, bytes }: Secrets, printed: string): string[] {
  return [...texts, ...bytes.flatMap(forms)].filter((text) => printed.includes(text));
}

export function assertNothingOf(secrets: Secrets, printed: string, where: string): void {
  assert.equal(found(secrets, printed), [], where);
}

/** What a session and a key ring hide; the master secret is known here since the test is the client. */
export function secretsOf(wire: WireClient, exported: string): Secrets {
  const { identity, kem } = JSON.parse(exported) as { identity: { seed: string }; kem: { key: string }[] };
  const keys = [identity.seed, ...kem.map(({ key }) => key)];
  const sid = Buffer.from(wire.sid, 'base64url');
  const master = (wire.session.master as KeyObject).export();
  return {
    texts: [wire.sid, marker, ...keys],
    bytes: [sid, master, ...keys.map((key) => Buffer.from(key, 'base64url'))],
  };
}
