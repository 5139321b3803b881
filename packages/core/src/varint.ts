// Variable-length integers of QUIC (RFC 9000, section 16), as Binary HTTP uses them. One way to read a number:
// longer encodings than necessary are accepted by RFC 9000; lengths here never need more than four bytes.

export const maxVarint = 0x3fff_ffff;

/** `value` (at most {@link maxVarint}), one character for each byte. */
export function varint(value: number): string {
  if (value < 0x40) return String.fromCharCode(value);
  if (value < 0x4000) return String.fromCharCode(0x40 | (value >> 8), value & 0xff);
  return String.fromCharCode(0x80 | (value >> 24), (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
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
