import { masterLength } from './handshake.ts';
import { windowSize } from './session-store.ts';

const chunkBits = 10;
const chunkSlots = 1 << chunkBits;
const repeatKeyLength = 32;
const windowWords = windowSize / 32;

interface Chunk {
  secrets: Uint8Array;
  /** Keys for proofs about earlier attempts; they outlive the secret. */
  repeatKeys: Uint8Array;
  windows: Uint32Array;
  /** Highest accepted exchange number, -1 before the first. */
  highest: Int32Array;
  created: Float64Array;
  expires: Float64Array;
  idle: Float64Array;
  lastUsed: Float64Array;
}

/**
 * Fixed-size records of sessions in typed arrays: a million of them cost the garbage collector nothing, and
 * freeing one wipes its secret in place. A slot is an index; whoever took it keeps it until it frees it.
 */
export class SessionSlab {
  readonly #chunks: Chunk[] = [];
  readonly #free: number[] = [];
  #used = 0;

  /** Takes a slot for a new session and copies its secret. */
  take(master: Uint8Array, repeatKey: Uint8Array, expires: number, idle: number, now: number): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot >> chunkBits === this.#chunks.length) this.#chunks.push(createChunk());
    const chunk = this.#chunk(slot);
    const index = slot & (chunkSlots - 1);
    chunk.secrets.set(master, index * masterLength);
    chunk.repeatKeys.set(repeatKey, index * repeatKeyLength);
    chunk.highest[index] = -1;
    chunk.created[index] = now;
    chunk.expires[index] = expires;
    chunk.idle[index] = idle;
    chunk.lastUsed[index] = now;
    return slot;
  }

  /** Wipes the secret; what tells used numbers from others stays. */
  wipeSecret(slot: number): void {
    this.secret(slot).fill(0);
  }

  /** Wipes the slot and makes it available. */
  free(slot: number): void {
    this.wipeSecret(slot);
    this.repeatKey(slot).fill(0);
    const chunk = this.#chunk(slot);
    const index = slot & (chunkSlots - 1);
    chunk.windows.fill(0, index * windowWords, (index + 1) * windowWords);
    this.#free.push(slot);
  }

  /** The secret in place: a view, not a copy. */
  secret(slot: number): Uint8Array {
    const at = (slot & (chunkSlots - 1)) * masterLength;
    return this.#chunk(slot).secrets.subarray(at, at + masterLength);
  }

  /** Its repeat key in place. */
  repeatKey(slot: number): Uint8Array {
    const at = (slot & (chunkSlots - 1)) * repeatKeyLength;
    return this.#chunk(slot).repeatKeys.subarray(at, at + repeatKeyLength);
  }

  /** When the session was created, when it ends, and how long it may rest. */
  times(slot: number): { created: number; expires: number; idle: number } {
    const { created, expires, idle } = this.#chunk(slot);
    const index = slot & (chunkSlots - 1);
    return {
      created: created[index] as number,
      expires: expires[index] as number,
      idle: idle[index] as number,
    };
  }

  /** True once the session is too old or has rested too long. */
  isOver(slot: number, now: number): boolean {
    const { expires, idle, lastUsed } = this.#chunk(slot);
    const index = slot & (chunkSlots - 1);
    return now >= (expires[index] as number) || now - (lastUsed[index] as number) >= (idle[index] as number);
  }

  /** The session was used. */
  touch(slot: number, now: number): void {
    this.#chunk(slot).lastUsed[slot & (chunkSlots - 1)] = now;
  }

  /** Tests and sets `n` in the window of the slot; false if it was set or is too old to tell. */
  mark(slot: number, n: number): boolean {
    const chunk = this.#chunk(slot);
    const index = slot & (chunkSlots - 1);
    const window = chunk.windows.subarray(index * windowWords, (index + 1) * windowWords);
    const highest = chunk.highest[index] as number;
    if (n <= highest - windowSize) return false;
    if (n > highest) {
      // The numbers that come into the window take the bits of those that leave it.
      if (n - highest >= windowSize) window.fill(0);
      else for (let i = highest + 1; i < n; i++) clearBit(window, i % windowSize);
      clearBit(window, n % windowSize);
      chunk.highest[index] = n;
    }
    const word = (n % windowSize) >> 5;
    const bit = 1 << (n & 31);
    if (((window[word] as number) & bit) !== 0) return false;
    window[word] = (window[word] as number) | bit;
    return true;
  }

  #chunk(slot: number): Chunk {
    return this.#chunks[slot >> chunkBits] as Chunk;
  }
}

function clearBit(window: Uint32Array, position: number): void {
  window[position >> 5] = (window[position >> 5] as number) & ~(1 << (position & 31));
}

function createChunk(): Chunk {
  return {
    secrets: new Uint8Array(chunkSlots * masterLength),
    repeatKeys: new Uint8Array(chunkSlots * repeatKeyLength),
    windows: new Uint32Array(chunkSlots * windowWords),
    highest: new Int32Array(chunkSlots),
    created: new Float64Array(chunkSlots),
    expires: new Float64Array(chunkSlots),
    idle: new Float64Array(chunkSlots),
    lastUsed: new Float64Array(chunkSlots),
  };
}
