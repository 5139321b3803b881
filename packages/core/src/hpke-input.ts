import { utf8 } from './bytes.ts';
import { rejected } from './errors.ts';
import type { Suite } from './suites.ts';

// What hpke.ts and hpke.web.ts check and bind alike.

/** What is bound into a set-up. With `psk` the mode is PSK, without it base. */
export interface SetupInput {
  info: Uint8Array;
  /** Exactly 32 bytes. */
  psk?: Uint8Array;
}

/** What a context of either side derives for other uses (RFC 9180, section 5.3). */
export interface Exporter {
  Export(exporterContext: Uint8Array, length: number): Promise<Uint8Array>;
}

export const pskId = utf8('sealwire/1 reply psk id');

/** Exact lengths, and of the forms of a P-256 point only the uncompressed one: some platforms take the others, too. */
export function checkEncoding(suite: Suite, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length || (suite.kem === 0x0010 && bytes[0] !== 0x04)) throw rejected();
}

/** The psk, or none in base mode: a psk that got lost must not pass as base mode. */
export function pskOf(input: SetupInput): Uint8Array | undefined {
  if (!('psk' in input)) return undefined;
  if (input.psk?.length !== 32) throw new TypeError('a psk has 32 bytes');
  return input.psk;
}
