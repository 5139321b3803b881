/** One who waits; {@link Deadlines.remove} takes it back. */
export interface Deadline<T> {
  readonly waiting: T;
  /** By `performance.now()`. */
  readonly due: number;
  previous: Deadline<T> | undefined;
  next: Deadline<T> | undefined;
}

/**
 * Coarse deadlines that cost a request almost nothing: one timer looks at all who wait, instead of one for each.
 * They form a linked list, so that whoever leaves in time leaves nothing behind for the garbage collector.
 */
export class Deadlines<T> {
  readonly #delay: number;
  readonly #expire: (waiting: T) => void;
  /** In order of arrival, so that the first ones expire first. */
  #first: Deadline<T> | undefined;
  #last: Deadline<T> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param delay in milliseconds; the deadline comes up to a tenth later */
  constructor(delay: number, expire: (waiting: T) => void) {
    this.#delay = delay;
    this.#expire = expire;
  }

  add(waiting: T): Deadline<T> {
    const due = performance.now() + this.#delay;
    const deadline: Deadline<T> = { waiting, due, previous: this.#last, next: undefined };
    if (this.#last === undefined) this.#first = deadline;
    else this.#last.next = deadline;
    this.#last = deadline;
    this.#timer ??= setInterval(() => this.#look(), this.#delay / 10).unref();
    return deadline;
  }

  /** Also for one that was removed or has expired. */
  remove(deadline: Deadline<T>): void {
    const { previous, next } = deadline;
    if (previous !== undefined) previous.next = next;
    else if (this.#first === deadline) this.#first = next;
    if (next !== undefined) next.previous = previous;
    else if (this.#last === deadline) this.#last = previous;
    deadline.previous = undefined;
    deadline.next = undefined;
  }

  #look(): void {
    if (this.#first === undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    for (let first = this.#first; first !== undefined && first.due <= now; first = this.#first) {
      this.remove(first);
      this.#expire(first.waiting);
    }
  }
}
