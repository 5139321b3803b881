import { TokenFailure } from './failure.ts';

/** P-256 (1.2.840.10045.3.1.7) in DER, as CKA_EC_PARAMS has it. */
export const p256 = Buffer.from('06082a8648ce3d030107', 'hex');

const pointLength = 65;
const uncompressed = 0x04;
/** A DER OCTET STRING of 65 bytes: tag and length. */
const derHead = Buffer.from([0x04, pointLength]);

/**
 * The uncompressed point in a CKA_EC_POINT. The standard wraps it in an OCTET STRING (PKCS#11 2.40, 2.3.3); some tokens
 * answer it as it is. Their lengths tell them apart.
 */
export function pointOf(value: Buffer): Buffer {
  const wrapped = value.length === derHead.length + pointLength && value.subarray(0, 2).equals(derHead);
  const point = wrapped ? value.subarray(2) : value;
  if (point.length === pointLength && point[0] === uncompressed) return point;
  throw new TokenFailure('unfit-key', 'Its CKA_EC_POINT is no uncompressed point of P-256.');
}
