/** Coarse deadlines that cost a request almost nothing: one timer looks at all who wait, instead of one for each. */
export class Deadlines<T extends object> {
  readonly #delay: number;
  readonly #expire: (waiting: T) => void;
  /** In order of arrival, so that the first ones expire first. */
  readonly #waiting = new Map<T, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param delay in milliseconds; the deadline comes up to a tenth later */
  constructor(delay: number, expire: (waiting: T) => void) {
    this.#delay = delay;
    this.#expire = expire;
  }

  add(waiting: T): void {
    this.#waiting.set(waiting, performance.now() + this.#delay);
    this.#timer ??= setInterval(() => this.#look(), this.#delay / 10).unref();
  }

  remove(waiting: T): void {
    this.#waiting.delete(waiting);
  }

  #look(): void {
    if (this.#waiting.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    for (const [waiting, deadline] of this.#waiting) {
      if (deadline > now) return;
      this.#waiting.delete(waiting);
      this.#expire(waiting);
    }
  }
}
