import { hmacSha512, importMaster, type MasterKey } from '#crypto';
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';
import { concat, equalBytes, label, u64 } from './bytes.ts';
import { SealwireError } from './errors.ts';
import type { Field } from './head.ts';
import { after, type Maybe } from './primitives.ts';
import { maxExchanges } from './session-store.ts';

/** The sealed field by which a request names an earlier attempt at the same call; it stands once for each. */
export const repeatField = 'sealwire-repeat';
/** A call is sent again at most this often without its caller. */
export const maxResends = 2;

const proofLength = 16;
const keyLabel = concat(label('sealwire/1 repeat key'), Uint8Array.of(1));
const proofLabel = label('sealwire/1 repeat');
const form = /^([A-Za-z0-9_-]{21}[AQgw]);(0|[1-9][0-9]{0,6});([A-Za-z0-9_-]{21}[AQgw]);(0|[1-9][0-9]{0,15})$/;

/** An exchange: the session's id and the number in it. */
export interface ExchangeName {
  readonly sid: string;
  readonly n: number;
}

/** An earlier attempt, as the request that repeats it names it. */
export interface Repeat extends ExchangeName {
  /** Shows that the sender holds the session of the attempt. */
  readonly proof: string;
  /** Server time of the first sending, in milliseconds. */
  readonly at: number;
}

/** 32 bytes: HKDF-Expand-SHA512 (RFC 5869, section 2.3) of the master over "sealwire/1 repeat key" || 00. */
export function repeatKeyBytes(master: MasterKey): Maybe<Uint8Array> {
  return after(hmacSha512(master, keyLabel) as Maybe<Uint8Array>, (block) => {
    const key = block.slice(0, 32);
    block.fill(0);
    return key;
  });
}

/** The key that proofs are made with. The caller zeroes `bytes`. */
export function importRepeatKey(bytes: Uint8Array): Maybe<MasterKey> {
  return importMaster(bytes);
}

/**
 * First 16 bytes of HMAC-SHA512 under the repeat key of the attempt's session over
 * "sealwire/1 repeat" || 00 || u64 n || new sid (16 bytes) || u64 new n.
 */
function proofOf(key: MasterKey, n: number, by: ExchangeName): Maybe<Uint8Array> {
  const input = concat(proofLabel, u64(n), decodeBase64Url(by.sid), u64(by.n));
  return after(hmacSha512(key, input) as Maybe<Uint8Array>, (mac) => mac.slice(0, proofLength));
}

/** The field's value that names `attempt` in the request that is the exchange `by`. */
export async function repeatValue(
  key: MasterKey,
  attempt: ExchangeName,
  at: number,
  by: ExchangeName,
): Promise<string> {
  const proof = await proofOf(key, attempt.n, by);
  return `${attempt.sid};${attempt.n};${encodeBase64Url(proof)};${at}`;
}

export async function isProven(key: MasterKey, repeat: Repeat, by: ExchangeName): Promise<boolean> {
  return equalBytes(await proofOf(key, repeat.n, by), decodeBase64Url(repeat.proof));
}

/** The earlier attempts that a request names. @throws SealwireError `malformed` */
export function readRepeats(fields: readonly Field[]): Repeat[] {
  const repeats: Repeat[] = [];
  for (const [name, value] of fields) if (name === repeatField) repeats.push(parseRepeat(value));
  if (repeats.length > maxResends) throw new SealwireError('malformed');
  return repeats;
}

function parseRepeat(value: string): Repeat {
  const [, sid, n, proof, at] = form.exec(value) ?? [];
  if (sid === undefined || proof === undefined || Number(n) >= maxExchanges) {
    throw new SealwireError('malformed', `A field \`${repeatField}\` has another form.`);
  }
  return { sid, n: Number(n), proof, at: Number(at) };
}
