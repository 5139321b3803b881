import { isAboutPin, isLost, isMissing } from './failure.ts';
import { logIn, type Pin } from './pins.ts';
import { Pool } from './pool.ts';
import { Thread } from './thread.ts';
import type { TokenName } from './token-session.ts';

export interface ConnectionOptions {
  readonly module: string;
  readonly token: TokenName;
  readonly pin: Pin;
  readonly sessions: number;
}

/** For how long threads may finish what they do before the connection is made anew, in milliseconds. */
const settleTime = 1000;
/** A token or key that was not there is not looked for again before this time is over, in milliseconds. */
const retryPause = 1000;

/** What this process does with a module. Its state is one for the whole process, whoever uses it. */
interface ModuleUse {
  tokens: number;
  /** True if it was initialized here, and not by another part of the application. */
  ours: boolean;
}
const modules = new Map<string, ModuleUse>();

/** Sessions with a token, which are made anew when they are lost. */
export class Connections {
  readonly #options: ConnectionOptions;
  readonly #threads: readonly Thread[];
  readonly #pool: Pool<Thread>;
  readonly #module: ModuleUse;
  /** How often all sessions were opened. */
  #generation = 0;
  /** When they were opened last, by `performance.now()`. */
  #connected = 0;
  #recovery: Promise<void> | undefined;
  #failed: { at: number; error: unknown } | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#threads = Array.from({ length: options.sessions }, () => new Thread());
    this.#pool = new Pool(this.#threads);
    this.#module = modules.get(options.module) ?? { tokens: 0, ours: false };
    this.#module.tokens++;
    modules.set(options.module, this.#module);
  }

  static async open(options: ConnectionOptions): Promise<Connections> {
    const connections = new Connections(options);
    try {
      await connections.#connect();
      return connections;
    } catch (error) {
      await connections.close();
      throw error;
    }
  }

  /**
   * Has a session do something. If the session turns out to be lost, it is done once more in a new one.
   * @throws TokenFailure; what the function throws that is asked for the PIN
   */
  run<R>(task: (thread: Thread) => Promise<R>, limit: number): Promise<R> {
    return this.#pool.use(async (thread) => {
      while (this.#recovery !== undefined) await this.#recovery;
      const generation = this.#generation;
      try {
        return await task(thread);
      } catch (error) {
        if (!this.#mayHeal(error)) throw error;
        // Unless another task did so meanwhile.
        if (generation === this.#generation) await this.#recover();
        return await task(thread);
      }
    }, limit);
  }

  /** Ends sessions and threads, and the use of the module if nobody else here needs it. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#pool.close();
    await this.#recovery?.catch(() => {});
    await this.#settle();
    const free = this.#threads.filter(({ pending }) => pending === undefined);
    await Promise.allSettled(free.map((thread) => thread.ask('close')));
    this.#module.tokens--;
    if (this.#module.tokens === 0) {
      modules.delete(this.#options.module);
      // A module may only be finalized while no thread is in it.
      if (this.#module.ours && free.length === this.#threads.length)
        await free[0]?.ask('finalize').catch(() => {});
    }
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  /** True if new sessions may do what these did not. */
  #mayHeal(error: unknown): boolean {
    return isLost(error) || (isMissing(error) && performance.now() - this.#connected > retryPause);
  }

  /** One recovery for all tasks that found their sessions lost. */
  #recover(): Promise<void> {
    const { at, error } = this.#failed ?? { at: Number.NEGATIVE_INFINITY };
    if (performance.now() - at < retryPause) return Promise.reject(error);
    this.#recovery ??= this.#reconnect()
      .catch((cause) => {
        this.#failed = { at: performance.now(), error: cause };
        throw cause;
      })
      .finally(() => {
        this.#recovery = undefined;
      });
    return this.#recovery;
  }

  async #reconnect(): Promise<void> {
    await this.#settle();
    try {
      await this.#connect();
    } catch (error) {
      // Some modules find a token that was away only when they begin anew. That ends every session of the process with
      // the module, so it is done only where all of them are known.
      const alone = this.#module.tokens === 1 && this.#module.ours;
      if (isAboutPin(error) || !alone || this.#threads.some(({ pending }) => pending !== undefined))
        throw error;
      for (const thread of this.#threads) await thread.ask('close');
      await this.#threads[0]?.ask('finalize');
      await this.#connect();
    }
  }

  /** Opens the sessions one after the other: the first one logs in for all. Threads that hang keep their own. */
  async #connect(): Promise<void> {
    const { module, token, pin } = this.#options;
    for (const thread of this.#threads) {
      if (thread.pending !== undefined) continue;
      if (await thread.ask('initialize', module)) this.#module.ours = true;
      const { loggedIn, serial } = await thread.ask('open', token);
      if (!loggedIn) await logIn(thread, `${module} ${serial}`, pin);
    }
    this.#generation++;
    this.#connected = performance.now();
  }

  /** Waits for a while until no thread is busy. */
  async #settle(): Promise<void> {
    const pending = this.#threads.map((thread) => thread.pending);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, settleTime);
    });
    await Promise.race([Promise.all(pending), late]);
    clearTimeout(timer);
  }
}
