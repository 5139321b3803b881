import { TokenFailure } from './failure.ts';

/** How many tasks may wait at once. */
const maxWaiting = 1000;

/** Things of which each does one task at a time. Tasks that find all of them busy wait, the earliest first. */
export class Pool<T> {
  readonly #idle: T[];
  readonly #waiting = new Set<{ start(thing: T): void; reject(error: Error): void }>();
  #closed = false;

  constructor(things: readonly T[]) {
    this.#idle = [...things];
  }

  /**
   * Has one of the things do a task. After `limit` milliseconds, waiting included, nobody waits for it any more; the
   * thing is given the next task when it has finished this one.
   * @throws TokenFailure `closed`, `crowded`, `late`; what the task throws
   */
  use<R>(task: (thing: T) => Promise<R>, limit: number): Promise<R> {
    if (this.#closed) return Promise.reject(closedFailure());
    if (this.#waiting.size >= maxWaiting)
      return Promise.reject(new TokenFailure('crowded', 'Too many handshakes wait for the token.'));
    return new Promise<R>((resolve, reject) => {
      const waiting = {
        reject(error: Error) {
          clearTimeout(timer);
          reject(error);
        },
        start: (thing: T) => {
          task(thing)
            .then(resolve, reject)
            .finally(() => {
              clearTimeout(timer);
              this.#release(thing);
            });
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(new TokenFailure('late', `The token did not answer within ${limit} ms.`));
      }, limit);
      const thing = this.#idle.pop();
      if (thing === undefined) this.#waiting.add(waiting);
      else waiting.start(thing);
    });
  }

  /** Refuses what waits and what is to come. */
  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting) reject(closedFailure());
    this.#waiting.clear();
  }

  #release(thing: T): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#idle.push(thing);
      return;
    }
    this.#waiting.delete(next);
    next.start(thing);
  }
}

function closedFailure(): TokenFailure {
  return new TokenFailure('closed', 'The token was closed.');
}
