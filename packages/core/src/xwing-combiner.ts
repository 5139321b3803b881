import type { Maybe } from './primitives.ts';

/** Id of MLKEM768-X25519 (X-Wing) in the HPKE registry. */
export const xwingId = 0x647a;
export const mlkemPublicLength = 1184;
export const mlkemCiphertextLength = 1088;
/** "\.//^\", the label of draft-connolly-cfrg-xwing-kem, section 5.3. */
const xwingLabel = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c);

/** X-Wing's secret out of ML-KEM's and X25519's (section 5.3 there); zeroes those. */
export async function combine<Hash>(
  sha3_256: (data: Uint8Array) => Maybe<Hash>,
  ssM: Uint8Array,
  ssX: Uint8Array,
  ctX: Uint8Array,
  pkX: Uint8Array,
): Promise<Hash> {
  const input = Uint8Array.of(...ssM, ...ssX, ...ctX, ...pkX, ...xwingLabel);
  const shared = await sha3_256(input);
  input.fill(0);
  ssM.fill(0);
  ssX.fill(0);
  return shared;
}
