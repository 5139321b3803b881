/** Longest body that is held until its final record authenticated, in bytes. */
export const maxHeld = 65_536;
/** How long it is held, in milliseconds. */
const holdTime = 100;
/** How much all held bodies of the process may take together, in bytes. */
const budget = 64 * 1024 * 1024;

let heldByAll = 0;

/**
 * Plaintext of a small body, kept back until the whole of it is known to be genuine, so that a damaged request is a
 * clean refusal before any handler. A courtesy, not a guarantee: it ends early rather than be noticed.
 */
export class Hold {
  #pieces: Uint8Array[] = [];
  #length = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Keeps a piece. Returns false if holding has to end, because it is too much for one body or for all. */
  add(piece: Uint8Array): boolean {
    this.#pieces.push(piece);
    this.#length += piece.length;
    heldByAll += piece.length;
    return this.#length <= maxHeld && heldByAll <= budget;
  }

  /** Calls `expired` unless the body is taken in time. Returns false if it was waiting already. */
  wait(expired: () => void): boolean {
    if (this.#timer !== undefined) return false;
    this.#timer = setTimeout(expired, holdTime);
    return true;
  }

  /** Ends the holding and returns what was held. */
  take(): Uint8Array[] {
    clearTimeout(this.#timer);
    heldByAll -= this.#length;
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#length = 0;
    return pieces;
  }
}
