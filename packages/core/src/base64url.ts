import { fromBase64, toBase64 } from '#crypto';
import { SealwireError } from './errors.ts';

const alphabet = /^[A-Za-z0-9_-]*$/;

/** base64url without padding (RFC 4648, section 5). */
export function encodeBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes);
}

/**
 * The bytes of canonical base64url: no padding, no other character, unused bits zero.
 * @throws SealwireError `malformed`
 */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (alphabet.test(text) && text.length % 4 !== 1) {
    const bytes = fromBase64(text);
    if (toBase64(bytes) === text) return bytes;
  }
  throw new SealwireError('malformed', 'Not canonical base64url.');
}
