import { SealwireError } from './errors.ts';
import { maxExchanges } from './session-store.ts';

/** Media type of a sealed message; unknown to mime-db on purpose, so that nothing compresses it. */
export const messageType = 'application/vnd.sealwire';
/** Length of the random nonce that a sealed message begins with. */
export const messageNonceLength = 32;
/** Longest `h` of a header-carried message, in characters. */
export const maxHeaderMessage = 6144;

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
