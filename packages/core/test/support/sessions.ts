import { Buffer } from 'node:buffer';
import type { ServerKemKey } from '../../src/handshake-server.ts';
import { generateKemPair } from '../../src/hpke.ts';
import { computeKid } from '../../src/kid.ts';
import { MemorySessionStore } from '../../src/memory-store.ts';
import type { Acceptance, Session, SessionInfo, SessionStore } from '../../src/session-store.ts';
import type { Suite } from '../../src/suites.ts';

/** Its HMAC shows that two masters are the same without handing one out: WebCrypto's cannot be exported. */
export const probe = new TextEncoder().encode('the same master');

/** A KEM key of a server, with the public half that a configuration would carry. */
export async function createKey(suite: Suite): Promise<ServerKemKey & { pub: Uint8Array }> {
  const { pair, pub } = await generateKemPair(suite);
  return { kid: await computeKid(suite.kem, pub), suite, pair, pub };
}

/** A memory store that keeps a copy of every master secret it was given, to compare with. */
export class RecordingStore implements SessionStore {
  readonly masters: Uint8Array[] = [];
  readonly sids: string[] = [];
  readonly infos: SessionInfo[] = [];
  readonly #store = new MemorySessionStore({ maxSessions: 1000 });

  create(sid: string, info: SessionInfo, master: Uint8Array, now: number): boolean {
    this.sids.push(sid);
    this.infos.push(info);
    this.masters.push(Uint8Array.from(master));
    return this.#store.create(sid, info, master, now);
  }

  load(sid: string, now: number): Session | undefined | Promise<Session | undefined> {
    return this.#store.load(sid, now);
  }

  accept(sid: string, n: number, now: number): Acceptance {
    return this.#store.accept(sid, n, now);
  }

  end(sid: string): void {
    this.#store.end(sid);
  }

  claimHello(hash: string, now: number): boolean {
    return this.#store.claimHello(hash, now);
  }
}

/** A server with one key: what `answerHandshake` needs. Times in milliseconds. */
export function serverWith(
  key: ServerKemKey,
  store: SessionStore = new RecordingStore(),
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
