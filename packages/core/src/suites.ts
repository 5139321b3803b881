/** Name of a suite, as options and `req.sealed.suite` spell it. */
export type SuiteName = 'MLKEM768-X25519' | 'X25519' | 'P-256';

/** One combination of KEM, KDF and AEAD (docs/PROTOCOL.md, Suites). Lengths in bytes. */
export interface Suite {
  readonly name: SuiteName;
  /** KEM id of the IANA HPKE registry. */
  readonly kem: number;
  /** `u16 kem || u16 kdf || u16 aead` in hex, as JSON messages carry it. */
  readonly id: string;
  /** Length of an encapsulated secret. */
  readonly encLength: number;
  /** Length of a serialised public key. */
  readonly pubLength: number;
}

/** HKDF-SHA256 (0x0001) and AES-256-GCM (0x0002): the same in every suite of version 1. */
const KDF_AND_AEAD = '00010002';

/** Every suite of version 1, the strongest first: the default order of preference. */
export const suites: readonly Suite[] = [
  { name: 'MLKEM768-X25519', kem: 0x647a, id: `647a${KDF_AND_AEAD}`, encLength: 1120, pubLength: 1216 },
  { name: 'X25519', kem: 0x0020, id: `0020${KDF_AND_AEAD}`, encLength: 32, pubLength: 32 },
  { name: 'P-256', kem: 0x0010, id: `0010${KDF_AND_AEAD}`, encLength: 65, pubLength: 65 },
];

export function suiteById(id: string): Suite | undefined {
  return suites.find((suite) => suite.id === id);
}

export function suiteByName(name: string): Suite | undefined {
  return suites.find((suite) => suite.name === name);
}

/** The suite that uses a KEM; in version 1 a KEM names its suite. */
export function suiteByKem(kem: number): Suite | undefined {
  return suites.find((suite) => suite.kem === kem);
}
