import { runInNewContext } from 'node:vm';
import type { Acceptance, Burning, MasterKey, Session, SessionStore } from '@sealwire/core';

/** A store as one over a network is: every answer is promised and takes some turns of the event loop. */
export class SlowStore implements SessionStore {
  readonly #store: SessionStore;
  readonly #wait: () => Promise<void>;

  constructor(store: SessionStore, wait: () => Promise<void> = someTurns) {
    this.#store = store;
    this.#wait = wait;
  }

  async create(...args: Parameters<SessionStore['create']>): Promise<boolean> {
    await this.#wait();
    return this.#store.create(...args);
  }

  async load(...args: Parameters<SessionStore['load']>): Promise<Session | undefined> {
    await this.#wait();
    const session = await this.#store.load(...args);
    await this.#wait();
    return session;
  }

  async accept(...args: Parameters<SessionStore['accept']>): Promise<Acceptance> {
    await this.#wait();
    const answer = await this.#store.accept(...args);
    await this.#wait();
    return answer;
  }

  async end(...args: Parameters<SessionStore['end']>): Promise<void> {
    await this.#wait();
    await this.#store.end(...args);
  }

  async revoke(...args: Parameters<SessionStore['revoke']>): Promise<number> {
    await this.#wait();
    return this.#store.revoke(...args);
  }

  async repeatKey(...args: Parameters<SessionStore['repeatKey']>): Promise<MasterKey | undefined> {
    await this.#wait();
    return this.#store.repeatKey(...args);
  }

  async burn(...args: Parameters<SessionStore['burn']>): Promise<Burning> {
    await this.#wait();
    const answer = await this.#store.burn(...args);
    await this.#wait();
    return answer;
  }

  async completeSince(now: number): Promise<number | undefined> {
    await this.#wait();
    return this.#store.completeSince(now);
  }

  async claimHello(...args: Parameters<SessionStore['claimHello']>): Promise<boolean> {
    await this.#wait();
    return this.#store.claimHello(...args);
  }
}

/** Sometimes a turn, sometimes some milliseconds. */
function someTurns(): Promise<void> {
  return new Promise((resolve) => {
    if (Math.random() < 0.5) setImmediate(resolve);
    else setTimeout(resolve, Math.random() * 4);
  });
}

/** A store with some of its methods replaced. */
export function storeWith(
  store: SessionStore,
  replaced: Partial<Record<keyof SessionStore, unknown>>,
): SessionStore {
  const whole = {
    create: store.create.bind(store),
    load: store.load.bind(store),
    accept: store.accept.bind(store),
    end: store.end.bind(store),
    revoke: store.revoke.bind(store),
    repeatKey: store.repeatKey.bind(store),
    burn: store.burn.bind(store),
    completeSince: store.completeSince.bind(store),
    claimHello: store.claimHello.bind(store),
  };
  return { ...whole, ...replaced } as SessionStore;
}

const OtherPromise = runInNewContext('Promise') as PromiseConstructor;

/** A promise that is no `Promise` here: of another realm, as libraries have their own. */
export function foreignPromise<T>(value: T | Promise<T>): Promise<T> {
  return OtherPromise.resolve(value);
}
