import { type KDF, LabeledExpand, LabeledExtract } from 'hpke';
import { concat, u16, utf8 } from './bytes.ts';

const none = new Uint8Array();

/** `ExtractAndExpand` of DHKEM (RFC 9180, section 4.1): 32 bytes. Zeroes `shared`. */
export async function dhkemSecret(
  kdf: KDF,
  kem: number,
  shared: Uint8Array,
  kemContext: Uint8Array,
): Promise<Uint8Array> {
  const suiteId = concat(utf8('KEM'), u16(kem));
  const prk = await LabeledExtract(kdf, suiteId, none, utf8('eae_prk'), shared);
  const secret = await LabeledExpand(kdf, suiteId, prk, utf8('shared_secret'), kemContext, 32);
  shared.fill(0);
  prk.fill(0);
  return secret;
}
