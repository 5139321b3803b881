import { isThumbprint, type Maybe, SealwireError, storeTimeLimit, withinLimit } from '@sealwire/core';
import { type ClientFile, watchClientFile } from './client-file.ts';

/**
 * Who may do a handshake: thumbprints of client keys, a file with them, or a function that knows. It returns what the
 * application shall know of the client (`req.sealed.identity`), or undefined, null or false for one that is refused.
 */
export type AllowClients = readonly string[] | ClientFile | ((thumbprint: string) => Maybe<unknown>);

/** A client that is allowed. */
export interface KnownClient {
  /** What the application knows of it. */
  readonly identity: unknown;
}

/** The clients that a server takes. */
export interface Clients {
  /** At a handshake. Undefined: it is refused. Rejects with `unavailable`. */
  ask(thumbprint: string): Maybe<KnownClient | undefined>;
  /** In a session: as it was answered last, or, if that was in another process, asked here once. */
  recall(thumbprint: string): Maybe<KnownClient | undefined>;
}

/**
 * @param onRemoved is told the thumbprints of those that were allowed and are not any more
 * @throws SealwireError `invalid-option`
 */
export function resolveClients(
  allowed: AllowClients | undefined,
  onRemoved: (thumbprints: readonly string[]) => void,
): Clients | undefined {
  if (allowed === undefined) return undefined;
  if (typeof allowed === 'function') return new AskedClients(allowed);
  if (Array.isArray(allowed)) {
    if (!allowed.every(isThumbprint))
      throw invalid('`allowClients` holds something that is no thumbprint; one has 43 characters.');
    return new ListedClients(new Map(allowed.map((thumbprint) => [thumbprint, { identity: undefined }])));
  }
  if (typeof (allowed as ClientFile | null)?.file === 'string') {
    const clients = new ListedClients(
      watchClientFile(allowed as ClientFile, (list) => clients.replace(list, onRemoved)),
    );
    return clients;
  }
  throw invalid('`allowClients` is a list of thumbprints, `{ file }`, or a function.');
}

class ListedClients implements Clients {
  #list: ReadonlyMap<string, KnownClient>;

  constructor(list: ReadonlyMap<string, KnownClient>) {
    this.#list = list;
  }

  ask(thumbprint: string): KnownClient | undefined {
    return this.#list.get(thumbprint);
  }

  recall(thumbprint: string): KnownClient | undefined {
    return this.#list.get(thumbprint);
  }

  replace(list: ReadonlyMap<string, KnownClient>, onRemoved: (thumbprints: readonly string[]) => void): void {
    const before = this.#list;
    this.#list = list;
    onRemoved([...before.keys()].filter((thumbprint) => !list.has(thumbprint)));
  }
}

/** Clients whose answers are remembered; one of the others is asked for again. */
const maxRemembered = 10_000;

class AskedClients implements Clients {
  readonly #allow: (thumbprint: string) => Maybe<unknown>;
  readonly #known = new Map<string, KnownClient>();
  /** Clients that are asked for on behalf of exchanges; those that come meanwhile wait for the same answer. */
  readonly #asking = new Map<string, Promise<KnownClient | undefined>>();

  constructor(allow: (thumbprint: string) => Maybe<unknown>) {
    this.#allow = allow;
  }

  async ask(thumbprint: string): Promise<KnownClient | undefined> {
    const identity = await answered(() => this.#allow(thumbprint));
    this.#known.delete(thumbprint);
    if (identity === undefined || identity === null || identity === false) return undefined;
    const known = { identity };
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= maxRemembered) this.#known.delete(oldest);
    this.#known.set(thumbprint, known);
    return known;
  }

  recall(thumbprint: string): Maybe<KnownClient | undefined> {
    return this.#known.get(thumbprint) ?? this.#asking.get(thumbprint) ?? this.#askForAll(thumbprint);
  }

  #askForAll(thumbprint: string): Promise<KnownClient | undefined> {
    const asking = this.ask(thumbprint).finally(() => this.#asking.delete(thumbprint));
    this.#asking.set(thumbprint, asking);
    return asking;
  }
}

/** A function that throws or takes its time lets nobody in. */
async function answered(ask: () => Maybe<unknown>): Promise<unknown> {
  try {
    return await withinLimit(ask, storeTimeLimit);
  } catch (cause) {
    throw new SealwireError('unavailable', undefined, { cause });
  }
}

function invalid(detail: string): SealwireError {
  return new SealwireError('invalid-option', detail);
}
