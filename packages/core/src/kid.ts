import { sha256 } from '#crypto';
import { encodeBase64Url } from './base64url.ts';
import { concat, label, u16 } from './bytes.ts';

const kidLabel = label('sealwire/1 kid');

/** Id of a KEM key: base64url of SHA-256("sealwire/1 kid" || 00 || u16 kem || pub). */
export async function computeKid(kem: number, pub: Uint8Array): Promise<string> {
  return encodeBase64Url(await sha256(concat(kidLabel, u16(kem), pub)));
}
