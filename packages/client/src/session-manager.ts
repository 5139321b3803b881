import {
  beginHandshake,
  type Configuration,
  handshakeType,
  isSealwireError,
  isSupported,
  maxHandshakeLength,
  SealwireError,
  sealedRequestFields,
  suiteByName,
  type UsableKey,
  usableKeys,
} from '@sealwire/core';
import { ConfigurationSource } from './configuration-source.ts';
import { inTime } from './deadline.ts';
import type { ClientSettings } from './options.ts';
import { type Hint, mediaType, plaintextAnswer, readHint, readLimited } from './outer-response.ts';
import { LiveSession } from './session.ts';

/**
 * At most this many handshakes in a minute on the word of others: of a server, or of anyone on the path who speaks for
 * it. Whatever is answered counts, but for an `unknown-key` that led to a session; what fails in the network does not.
 */
const maxHandshakes = 3;
const handshakeInterval = 60_000;

/** What a handshake is refused with that says what to do. */
const told = new Set(['client-refused', 'too-many-handshakes', 'unavailable']);

/** A handshake that was answered, and when. */
interface Answered {
  readonly at: number;
}

/** What came back for a handshake, read as far as it has to be. */
interface HandshakeAnswer {
  readonly answered: Answered;
  readonly response: Response;
  readonly reply?: Uint8Array;
  readonly hint?: Hint | undefined;
}

/** The server says that it does not hold the key. */
interface UnknownKey {
  readonly hint: Hint;
  readonly answered: Answered;
}

/** Keeps the one session of a client: made when it is needed, by one handshake for all who wait for it. */
export class SessionManager {
  readonly #settings: ClientSettings;
  readonly #configurations: ConfigurationSource;
  #current: LiveSession | undefined;
  #pending: Promise<LiveSession> | undefined;
  #handshakes: Answered[] = [];
  /** What the last handshake failed with, to say it again when there may be no further one. */
  #failure: unknown;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.#configurations = new ConfigurationSource(settings);
  }

  /** A session to begin an exchange in: at once where there is one. */
  acquire(): LiveSession | Promise<LiveSession> {
    const current = this.#current;
    if (current === undefined || current.over) return this.#renew();
    // By the caller's own doing, and so not counted against the limit, unless it fails.
    if (current.crowded) return this.#renew(false);
    // What goes wrong with the next one is told to the call that needs it.
    if (current.aging) this.#renew().catch(() => {});
    return current;
  }

  /** Gives up a session that the server does not know, unless it was replaced already. */
  forget(session: LiveSession): void {
    if (this.#current === session) this.#current = undefined;
  }

  async #renew(limited = true): Promise<LiveSession> {
    if (this.#pending === undefined) {
      this.#checkRate();
      this.#pending = this.#handshake(limited)
        .then(
          (session) => {
            this.#current = session;
            this.#failure = undefined;
            return session;
          },
          (error) => {
            this.#failure = error;
            this.#settings.inspector?.handshakeFailed(error);
            throw error;
          },
        )
        .finally(() => {
          this.#pending = undefined;
        });
    }
    return this.#pending;
  }

  async #handshake(limited: boolean): Promise<LiveSession> {
    const first = await this.#tryHandshake(await this.#configurations.get(), limited);
    if (first instanceof LiveSession) return first;
    // The server does not hold the key: a newer configuration names others.
    if (!(await this.#configurations.refresh(first.hint.members.configuration))) {
      throw new SealwireError('unknown-key', 'There is no newer key configuration.');
    }
    // A server that was restarted with new keys costs one handshake, not two: what led to the new configuration counts
    // only if that does not lead to a session. So there are at most three sessions a minute, each with one hint before
    // it, or four answers without a session; and every hint that is not counted takes a new configuration, verified.
    this.#uncount(first.answered);
    let done = false;
    try {
      const second = await this.#tryHandshake(await this.#configurations.get(), limited);
      done = second instanceof LiveSession;
      if (second instanceof LiveSession) return second;
      throw new SealwireError('unknown-key', 'Neither does it hold the keys of its newest configuration.');
    } finally {
      if (!done) this.#handshakes.push(first.answered);
    }
  }

  async #tryHandshake(configuration: Configuration, limited: boolean): Promise<LiveSession | UnknownKey> {
    const { payload } = configuration;
    const { clock, clientKey, origin, sealCookies } = this.#settings;
    const sealedFields = sealedRequestFields(payload.fields);
    // Else they would go out in clear.
    if (sealCookies && !sealedFields.has('cookie')) throw new SealwireError('field-not-listed', '`cookie`.');
    const began = performance.now();
    const key = await this.#choose(await usableKeys(payload, this.#configurations.time(configuration)));
    const handshake = await beginHandshake(key, clock.now(), clientKey);
    const url = origin + payload.handshake;
    const { answered, reply, response, hint } = await inTime(
      (signal) => this.#send(url, handshake.body, signal),
      (cause) => new SealwireError('handshake-failed', `${url} did not answer.`, { cause }),
    );
    if (reply !== undefined) {
      const session = await handshake.finish(reply);
      this.#settings.inspector?.handshake(url, key.suite.name, began);
      if (!limited) this.#uncount(answered);
      return new LiveSession(session, sealedFields, url, clock);
    }
    if (hint?.code === 'unknown-key') return { hint, answered };
    if (hint !== undefined && told.has(hint.code)) {
      throw Object.assign(new SealwireError(hint.code), { retryAfter: hint.retryAfter });
    }
    throw new SealwireError('handshake-failed', undefined, { cause: plaintextAnswer(response, hint) });
  }

  /** Sends a handshake and reads what is answered: a reply, or whatever else it is. */
  async #send(url: string, body: BodyInit, signal: AbortSignal): Promise<HandshakeAnswer> {
    const response = await this.#settings.fetch(url, {
      method: 'POST',
      headers: { 'content-type': handshakeType },
      body,
      cache: 'no-store',
      redirect: 'manual',
      signal,
    });
    const answered = this.#count();
    if (response.status !== 200 || mediaType(response) !== handshakeType) {
      return { answered, response, hint: await readHint(response) };
    }
    const reply = await readLimited(response, maxHandshakeLength);
    if (reply === undefined) throw new SealwireError('handshake-failed', 'The reply is too long.');
    return { answered, response, reply };
  }

  /** The key of the first suite that the server offers and the platform can do. */
  async #choose(keys: readonly UsableKey[]): Promise<UsableKey> {
    let lacking = false;
    for (const name of this.#settings.suites) {
      const key = keys.find(({ suite }) => suite === suiteByName(name));
      if (key === undefined) continue;
      if (await isSupported(key.suite)) return key;
      lacking = true;
    }
    const offered = keys.map(({ suite }) => suite.name).join(', ') || 'none that is valid now';
    const detail = `The server offers ${offered}.`;
    if (lacking) throw new SealwireError('crypto-unavailable', `It lacks X25519. ${detail}`);
    throw new SealwireError('no-common-suite', detail);
  }

  #count(): Answered {
    const answered = { at: this.#settings.clock.monotonic() };
    this.#handshakes.push(answered);
    return answered;
  }

  #uncount(answered: Answered): void {
    this.#handshakes = this.#handshakes.filter((each) => each !== answered);
  }

  #checkRate(): void {
    const now = this.#settings.clock.monotonic();
    this.#handshakes = this.#handshakes.filter(({ at }) => now - at < handshakeInterval);
    if (this.#handshakes.length >= maxHandshakes) {
      throw this.#tooMany();
    }
  }

  #tooMany(): SealwireError {
    const detail = 'This client made its handshakes for this minute.';
    const cause = this.#failure;
    if (!isSealwireError(cause)) return new SealwireError('too-many-handshakes', detail);
    return new SealwireError('too-many-handshakes', `${detail} The last one failed with \`${cause.code}\`.`, {
      cause,
    });
  }
}
