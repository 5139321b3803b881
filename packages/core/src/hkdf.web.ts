import { concat, u16, utf8 } from './bytes.ts';

/** HKDF-SHA256 (RFC 5869) with the labels of one suite or KEM (RFC 9180, section 4). */
export interface LabeledHkdf {
  extract(salt: Uint8Array, label: string, ikm: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
  /** `length` is at most 8,160 bytes. */
  expand(prk: Uint8Array, label: string, info: Uint8Array, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A salt that is left out: as many zeros as the hash has bytes. */
export const noSalt = new Uint8Array(32);
const version = utf8('HPKE-v1');
const algorithm = { name: 'HMAC', hash: 'SHA-256' };

async function hmac(key: Uint8Array, data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const raw = key as Uint8Array<ArrayBuffer>;
  const imported = await crypto.subtle.importKey('raw', raw, algorithm, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, data));
}

export function labeledHkdf(suiteId: Uint8Array): LabeledHkdf {
  return {
    extract: (salt, label, ikm) => hmac(salt, concat(version, suiteId, utf8(label), ikm)),
    async expand(prk, label, info, length) {
      const labeled = concat(u16(length), version, suiteId, utf8(label), info);
      let block = new Uint8Array();
      let output = block;
      for (let i = 1; output.length < length; i++) {
        block = await hmac(prk, concat(block, labeled, Uint8Array.of(i)));
        output = concat(output, block);
      }
      return output.subarray(0, length);
    },
  };
}
