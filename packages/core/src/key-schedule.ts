import { label, writeU64 } from './bytes.ts';

const requestLabel = label('sealwire/1 request');
const responseLabel = label('sealwire/1 response');

/**
 * What HMAC-SHA512 under the session's master secret is taken over for the keys of a request: the first block of
 * HKDF-Expand (RFC 5869, section 2.3) over "sealwire/1 request" || 00 || u64 n || nonce_q.
 */
export function requestKeyInput(n: number, nonceQ: Uint8Array): Uint8Array {
  return keyInput(requestLabel, n, nonceQ);
}

/** The same for its response: "sealwire/1 response" || 00 || u64 n || nonce_q || nonce_p. */
export function responseKeyInput(n: number, nonceQ: Uint8Array, nonceP: Uint8Array): Uint8Array {
  return keyInput(responseLabel, n, nonceQ, nonceP);
}

function keyInput(prefix: Uint8Array, n: number, nonceQ: Uint8Array, nonceP?: Uint8Array): Uint8Array {
  const input = new Uint8Array(prefix.length + 8 + nonceQ.length + (nonceP?.length ?? 0) + 1);
  input.set(prefix);
  writeU64(input, prefix.length, n);
  input.set(nonceQ, prefix.length + 8);
  if (nonceP !== undefined) input.set(nonceP, prefix.length + 8 + nonceQ.length);
  input[input.length - 1] = 1;
  return input;
}

/** Of those 64 bytes: the AES-256-GCM key and the base nonce, as views. */
export function splitKeyMaterial(block: Uint8Array): { key: Uint8Array; baseNonce: Uint8Array } {
  return { key: block.subarray(0, 32), baseNonce: block.subarray(32, 44) };
}
