// Variable-length integers of QUIC (RFC 9000, section 16), as Binary HTTP uses them. One way to read a number:
// longer encodings than necessary are accepted by RFC 9000; lengths here never need more than four bytes.

export const maxVarint = 0x3fff_ffff;

export function varintLength(value: number): 1 | 2 | 4 {
  return value < 0x40 ? 1 : value < 0x4000 ? 2 : 4;
}

/** Writes `value` (at most {@link maxVarint}) and returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  if (value < 0x40) {
    target[offset] = value;
    return offset + 1;
  }
  if (value < 0x4000) {
    target[offset] = 0x40 | (value >> 8);
    target[offset + 1] = value;
    return offset + 2;
  }
  target[offset] = 0x80 | (value >> 24);
  target[offset + 1] = value >> 16;
  target[offset + 2] = value >> 8;
  target[offset + 3] = value;
  return offset + 4;
}

/** Length in bytes of the integer that begins with `first`. */
export function varintLengthOf(first: number): number {
  return 1 << (first >> 6);
}

/**
 * Reads the integer at `offset`; the caller made sure that all its bytes are there.
 * @returns the value; above {@link maxVarint} it is only known to be larger than that
 */
export function readVarint(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset] as number;
  let value = first & 0x3f;
  for (let i = 1; i < varintLengthOf(first); i++) value = value * 0x100 + (bytes[offset + i] as number);
  return value;
}
