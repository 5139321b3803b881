import { decodeBase64Url, encodeBase64Url } from './base64url.ts';
import { SealwireError } from './errors.ts';

const prefix = 'sw1';

/** The pin of an identity: `sw1`, then base64url of its 32-byte Ed25519 public key. */
export function formatPin(pub: Uint8Array): string {
  return prefix + encodeBase64Url(pub);
}

/**
 * The public key in a pin.
 * @throws SealwireError `invalid-option` unless the pin is spelt exactly so: 46 characters, no white space
 */
export function parsePin(pin: unknown): Uint8Array<ArrayBuffer> {
  if (typeof pin === 'string' && pin.length === 46 && pin.startsWith(prefix)) {
    try {
      return decodeBase64Url(pin.slice(prefix.length));
    } catch {
      // Reported below, together with every other form.
    }
  }
  throw new SealwireError(
    'invalid-option',
    'An identity pin is `sw1` followed by 43 base64url characters; the server prints it at start-up.',
  );
}
