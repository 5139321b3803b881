import { isSealwireError, SealwireError } from '@sealwire/core';

/** Handshakes that wait, from all addresses together. */
const maxWaiting = 1024;
/** Handshakes of one address that may fail in a row before it comes last, and how many it gets back in a second. */
const burst = 64;
const perSecond = 8;
/** Addresses that are remembered. */
const maxAddresses = 10_000;

interface Waiting {
  /** False if the work failed by what the caller sent; never rejects. */
  start(): Promise<boolean>;
  refuse(): void;
}

interface Caller {
  tokens: number;
  /** When `tokens` was right, by `performance.now()`. */
  countedAt: number;
  /** In order of arrival. */
  readonly waiting: Waiting[];
}

/**
 * Who may do the work of a handshake, and when. A few run at a time, the others wait: one address takes its
 * turn behind the next, and one whose handshakes failed (its token bucket is empty) behind all others. As long as there
 * is room nobody is refused, because an address may be that of a proxy with thousands behind it; when there is none,
 * who brought the most loses the latest of it, and among equals who waits stays.
 */
export class Admission {
  readonly #callers = new Map<string, Caller>();
  /** Those with waiting handshakes and no others, whose turn is next first. */
  readonly #turns = new Set<Caller>();
  readonly #maxRunning: number;
  #waiting = 0;
  #running = 0;

  /** @param maxRunning how many handshakes are worked on at a time */
  constructor(maxRunning: number) {
    this.#maxRunning = maxRunning;
  }

  /**
   * Does the work of a handshake when its turn has come.
   * @throws SealwireError `too-many-handshakes`; what the work throws
   */
  run<T>(address: string, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const refuse = () => reject(new SealwireError('too-many-handshakes'));
      const start = async () => {
        try {
          resolve(await work());
          return true;
        } catch (error) {
          reject(error);
          return isOurs(error);
        }
      };
      const caller = this.#caller(address);
      if (this.#waiting >= maxWaiting && !this.#makeRoom(caller)) {
        refuse();
        return;
      }
      caller.waiting.push({ start, refuse });
      this.#waiting++;
      this.#turns.add(caller);
      this.#fill();
    });
  }

  #caller(address: string): Caller {
    const now = performance.now();
    const known = this.#callers.get(address);
    if (known !== undefined) {
      known.tokens = Math.min(burst, known.tokens + ((now - known.countedAt) * perSecond) / 1000);
      known.countedAt = now;
      return known;
    }
    const [oldest] = this.#callers.keys();
    if (oldest !== undefined && this.#callers.size >= maxAddresses) this.#callers.delete(oldest);
    const caller = { tokens: burst, countedAt: now, waiting: [] };
    this.#callers.set(address, caller);
    return caller;
  }

  #fill(): void {
    while (this.#running < this.#maxRunning) {
      const caller = this.#next();
      if (caller === undefined) return;
      const job = caller.waiting.shift() as Waiting;
      this.#waiting--;
      // To the end of the line.
      this.#turns.delete(caller);
      if (caller.waiting.length > 0) this.#turns.add(caller);
      this.#run(caller, job);
    }
  }

  async #run(caller: Caller, job: Waiting): Promise<void> {
    this.#running++;
    // Taken at once, so that a crowd that arrives together counts, and given back to the honest.
    caller.tokens = Math.max(0, caller.tokens - 1);
    try {
      if (await job.start()) caller.tokens++;
    } finally {
      // Between two handshakes everything else has its turn.
      setImmediate(() => {
        this.#running--;
        this.#fill();
      });
    }
  }

  /** The first in line who has not used up its tokens, else the first. */
  #next(): Caller | undefined {
    for (const caller of this.#turns) if (caller.tokens >= 1) return caller;
    const [first] = this.#turns;
    return first;
  }

  /** Refuses the latest handshake of who waits with the most; false if the newcomer would then have more. */
  #makeRoom(newcomer: Caller): boolean {
    let most = newcomer;
    for (const caller of this.#turns) if (caller.waiting.length > most.waiting.length) most = caller;
    // Who came earlier is not thrown out for who came later with as much.
    if (most.waiting.length <= newcomer.waiting.length + 1) return false;
    const latest = most.waiting.pop();
    if (most.waiting.length === 0) this.#turns.delete(most);
    if (latest === undefined) return false;
    latest.refuse();
    this.#waiting--;
    return true;
  }
}

/** True for failures that the server has by itself, whoever calls. */
function isOurs(error: unknown): boolean {
  return isSealwireError(error, 'unavailable') || isSealwireError(error, 'too-many-handshakes');
}
