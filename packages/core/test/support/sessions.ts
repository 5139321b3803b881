import { Buffer } from 'node:buffer';
import type { HandshakeOptions } from '../../src/handshake-server.ts';
import { generateKemPair } from '../../src/hpke.ts';
import { computeKid } from '../../src/kid.ts';
import { MemorySessionStore } from '../../src/memory-store.ts';
import type { Maybe } from '../../src/primitives.ts';
import type { ServerKemKey } from '../../src/server-kem-key.ts';
import type { SessionInfo } from '../../src/session-store.ts';
import type { Suite } from '../../src/suites.ts';

/** Its HMAC shows that two masters are the same without handing one out: WebCrypto's cannot be exported. */
export const probe = new TextEncoder().encode('the same master');

/** A KEM key of a server. */
export async function createKey(suite: Suite): Promise<ServerKemKey> {
  const { pair, pub } = await generateKemPair(suite);
  return { kid: await computeKid(suite.kem, pub), suite, pub, remote: false, pairFor: () => pair };
}

/** A memory store that keeps a copy of every master secret it was given, to compare with. */
export class RecordingStore extends MemorySessionStore {
  readonly masters: Uint8Array[] = [];
  readonly sids: string[] = [];
  readonly infos: SessionInfo[] = [];

  constructor() {
    super({ maxSessions: 1000 });
  }

  override create(sid: string, info: SessionInfo, master: Uint8Array, now: number): Maybe<boolean> {
    this.sids.push(sid);
    this.infos.push(info);
    this.masters.push(Uint8Array.from(master));
    return super.create(sid, info, master, now);
  }
}

/** A server with one key: what `answerHandshake` needs. Times in milliseconds. */
export function serverWith(
  key: ServerKemKey,
  store: HandshakeOptions['store'] = new RecordingStore(),
  now = 1_700_000_000_000,
) {
  return {
    findKey: (kid: string) => (kid === key.kid ? key : undefined),
    store,
    now,
    maxAge: 86_400_000,
    maxIdle: 3_600_000,
  };
}

export function parseJsonBytes<T = Record<string, string>>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes).toString()) as T;
}

export function jsonBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
