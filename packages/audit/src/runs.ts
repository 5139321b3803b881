/** Runs some work, one at a time. Who asks while it runs waits for a whole run that begins afterwards. */
export class Runs {
  readonly #work: () => Promise<void>;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** @returns what settles with the work */
  run(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      const run = this.#work();
      this.#running = run.catch(() => {});
      return run;
    });
    return this.#next;
  }
}
