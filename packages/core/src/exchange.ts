import { label, writeU64 } from './bytes.ts';
import { SealwireError } from './errors.ts';
import { maxExchanges } from './session-store.ts';

/** Media type of a sealed message; unknown to mime-db on purpose, so that nothing compresses it. */
export const messageType = 'application/vnd.sealwire';
/** Length of the random nonce that a sealed message begins with. */
export const messageNonceLength = 32;
/** Longest `h` of a header-carried message, in characters. */
export const maxHeaderMessage = 6144;

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

/** The `Sealwire` request header. */
export interface SealwireHeader {
  readonly sid: string;
  readonly n: number;
  /** The sealed message of a request without a body, base64url. */
  readonly h: string | undefined;
}

// 16 bytes are 22 characters of base64url, the last of which has four unused bits: they are zero.
const headerForm = /^v=1;s=([A-Za-z0-9_-]{21}[AQgw]);n=(0|[1-9][0-9]{0,6})(?:;h=([A-Za-z0-9_-]{1,6144}))?$/;
const otherVersion = /^v=(?!1;)(?:0|[1-9][0-9]{0,8});/;

/** @throws SealwireError `malformed`, `unsupported-version` */
export function parseSealwireHeader(value: string): SealwireHeader {
  const match = headerForm.exec(value);
  if (match === null) {
    throw new SealwireError(otherVersion.test(value) ? 'unsupported-version' : 'malformed');
  }
  const n = Number(match[2]);
  if (n >= maxExchanges) throw new SealwireError('malformed');
  return { sid: match[1] as string, n, h: match[3] };
}

export function formatSealwireHeader({ sid, n, h }: SealwireHeader): string {
  return `v=1;s=${sid};n=${n}${h === undefined ? '' : `;h=${h}`}`;
}
