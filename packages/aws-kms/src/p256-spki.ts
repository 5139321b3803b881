import { concat } from '@sealwire/core';

/** DER of a SubjectPublicKeyInfo with an uncompressed point of P-256 (RFC 5480), up to that point. */
const prefix = Uint8Array.from(Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'));
const pointLength = 65;
const uncompressed = 0x04;

export function spkiOf(point: Uint8Array): Uint8Array {
  return concat(prefix, point);
}

/** The point, 65 bytes; undefined if these are not the bytes that {@link spkiOf} makes of one. */
export function pointOf(spki: Uint8Array): Uint8Array | undefined {
  const point = spki.slice(prefix.length);
  const fits = point.length === pointLength && point[0] === uncompressed;
  return fits && prefix.every((byte, index) => spki[index] === byte) ? point : undefined;
}
