/** Bytes that no compression, offset or repetition leaves as they are, the same for the same length. */
export function pattern(length: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.allocUnsafe(length);
  let state = 0x9e3779b9 ^ length;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A copy in which one bit is the other way round. */
export function flipped(bytes: Uint8Array, bit: number): Buffer<ArrayBuffer> {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (0x80 >> (bit & 7));
  return copy;
}

/** The bytes in pieces of a size, as views. */
export function pieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const cut: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) cut.push(bytes.subarray(at, at + size));
  return cut;
}

/** The sizes at which records begin to be full, and two that are far from that. */
export const boundarySizes = [0, 1, 65_535, 65_536, 65_537] as const;
export const largeSize = 5 * 1024 * 1024;
