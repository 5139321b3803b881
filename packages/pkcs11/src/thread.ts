import { Worker } from 'node:worker_threads';
import { TokenFailure } from './failure.ts';
import type { TokenSession } from './token-session.ts';

type Method = keyof TokenSession;

/** What a thread is asked: a method of its session. */
export interface Question {
  readonly method: Method;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly value?: unknown;
  readonly failure?: { readonly reason: string; readonly message: string };
}

/** A thread with one session of a token. It does one thing at a time. */
export class Thread {
  readonly #worker = new Worker(new URL(import.meta.resolve('#worker')));
  #pending: Promise<unknown> | undefined;
  #settle: ((answer: Answer) => void) | undefined;
  #ended: Answer | undefined;

  constructor() {
    // A thread that has nothing to do keeps no process alive.
    this.#worker.unref();
    this.#worker.on('message', (answer: Answer) => this.#settle?.(answer));
    this.#worker.on('error', ({ message }) => this.#end(message));
    this.#worker.on('exit', () => this.#end('The thread of the session ended.'));
  }

  /** Resolves when the thread has answered; undefined while it has nothing to do. */
  get pending(): Promise<unknown> | undefined {
    return this.#pending;
  }

  /** @throws TokenFailure */
  async ask<M extends Method>(
    method: M,
    ...args: Parameters<TokenSession[M]>
  ): Promise<ReturnType<TokenSession[M]>> {
    const { value, failure } = this.#ended ?? (await this.#answer({ method, args }));
    if (failure !== undefined) throw new TokenFailure(failure.reason, failure.message);
    return value as ReturnType<TokenSession[M]>;
  }

  async #answer(question: Question): Promise<Answer> {
    const answered = new Promise<Answer>((resolve) => {
      this.#settle = resolve;
    });
    this.#pending = answered;
    this.#worker.ref();
    this.#worker.postMessage(question);
    const answer = await answered;
    this.#pending = undefined;
    this.#worker.unref();
    return answer;
  }

  /** Ends the thread. One that hangs in its token goes on hanging: nobody waits for it. */
  async end(): Promise<void> {
    const hangs = this.#pending !== undefined;
    const ended = this.#worker.terminate();
    if (hangs) this.#worker.unref();
    else await ended;
  }

  #end(message: string): void {
    this.#ended ??= { failure: { reason: 'ended', message } };
    this.#settle?.(this.#ended);
  }
}
