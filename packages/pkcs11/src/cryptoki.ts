/** A handle of PKCS#11: a slot, a session, an object. */
export type Handle = Buffer;

export interface Attribute {
  type: number;
  value?: number | boolean | string | Buffer;
}

/** What this package calls of `PKCS11` of pkcs11js. Every call blocks its thread for as long as the token takes. */
export interface Cryptoki {
  load(path: string): void;
  C_Initialize(options: { flags: number }): void;
  C_Finalize(): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): { label: string; serialNumber: string; flags: number };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_GetSessionInfo(session: Handle): { state: number };
  C_Login(session: Handle, user: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: Attribute[]): void;
  C_FindObjects(session: Handle, count: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: Attribute[]): { value: Buffer }[];
  C_GenerateKeyPair(
    session: Handle,
    mechanism: { mechanism: number; parameter: null },
    publicTemplate: Attribute[],
    privateTemplate: Attribute[],
  ): { publicKey: Handle; privateKey: Handle };
  C_DeriveKey(
    session: Handle,
    mechanism: { mechanism: number; parameter: { type: number; kdf: number; publicData: Buffer } },
    key: Handle,
    template: Attribute[],
  ): Handle;
  C_DestroyObject(session: Handle, object: Handle): void;
}

/** Numbers of the standard (PKCS#11 2.40), as far as they are used here, and one of pkcs11js: `CK_PARAMS_EC_DH`. */
export const ck = {
  CKA_CLASS: 0x000,
  CKA_TOKEN: 0x001,
  CKA_PRIVATE: 0x002,
  CKA_LABEL: 0x003,
  CKA_VALUE: 0x011,
  CKA_KEY_TYPE: 0x100,
  CKA_ID: 0x102,
  CKA_SENSITIVE: 0x103,
  CKA_DECRYPT: 0x105,
  CKA_UNWRAP: 0x107,
  CKA_SIGN: 0x108,
  CKA_DERIVE: 0x10c,
  CKA_VALUE_LEN: 0x161,
  CKA_EXTRACTABLE: 0x162,
  CKA_LOCAL: 0x163,
  CKA_NEVER_EXTRACTABLE: 0x164,
  CKA_ALWAYS_SENSITIVE: 0x165,
  CKA_EC_PARAMS: 0x180,
  CKA_EC_POINT: 0x181,
  CKA_ALWAYS_AUTHENTICATE: 0x202,
  CKO_PUBLIC_KEY: 2,
  CKO_PRIVATE_KEY: 3,
  CKO_SECRET_KEY: 4,
  CKK_EC: 0x03,
  CKK_GENERIC_SECRET: 0x10,
  CKM_EC_KEY_PAIR_GEN: 0x1040,
  CKM_ECDH1_DERIVE: 0x1050,
  CKD_NULL: 1,
  CK_PARAMS_EC_DH: 6,
  CKU_USER: 1,
  CKF_OS_LOCKING_OK: 2,
  CKF_RW_SESSION: 2,
  CKF_SERIAL_SESSION: 4,
  CKF_TOKEN_INITIALIZED: 0x400,
  CKS_RO_USER_FUNCTIONS: 1,
  CKS_RW_USER_FUNCTIONS: 3,
} as const;

/** The code that a call was answered with, such as `CKR_PIN_INCORRECT`; undefined for an error of another kind. */
export function answerCode(error: unknown): string | undefined {
  // By its form: the error may come from any copy of pkcs11js.
  const message = error instanceof Error ? error.message : '';
  return /^CKR_\w+$/.test(message) ? message : undefined;
}
