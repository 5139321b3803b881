/** Asks once for those who want the same at the same time. Nothing is kept when the answer is there. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  do(what: string, ask: () => Promise<T>): Promise<T> {
    const running = this.#flights.get(what);
    if (running !== undefined) return running;
    const flight = ask().finally(() => this.#flights.delete(what));
    this.#flights.set(what, flight);
    return flight;
  }
}
