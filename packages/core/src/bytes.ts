const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Bytes of a string in UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Text of UTF-8 bytes; throws a TypeError on anything that is not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** A copy. `slice()` would do for a Uint8Array, but for a Buffer it is a view of the same memory. */
export function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Big-endian u16. */
export function u16(value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(value >>> 8, value);
}

/** Writes a non-negative safe integer as big-endian u64. */
export function writeU64(target: Uint8Array, offset: number, value: number): void {
  let rest = value;
  for (let i = 7; i >= 0; i--) {
    target[offset + i] = rest;
    rest = Math.floor(rest / 0x100);
  }
}

/** Big-endian u64 of a non-negative safe integer. */
export function u64(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  writeU64(bytes, 0, value);
  return bytes;
}

/** `lv(x)` of docs/PROTOCOL.md: u16 length, then the bytes. */
export function lv(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(u16(bytes.length), bytes);
}

/** A label as the protocol writes it: ASCII, then one zero octet. */
export function label(text: string): Uint8Array<ArrayBuffer> {
  return utf8(`${text}\0`);
}

/** Compares two byte strings without stopping at the first difference; lengths are public. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** True if every byte is zero, looked at without stopping early. */
export function allZero(bytes: Uint8Array): boolean {
  let bits = 0;
  for (const byte of bytes) bits |= byte;
  return bits === 0;
}
