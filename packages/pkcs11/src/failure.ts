/** Why a token did not do what it was asked, in a form that passes between threads. It quotes no PIN and no secret. */
export class TokenFailure extends Error {
  /** What a token answered, such as `CKR_DEVICE_REMOVED`, or what this package found out by itself; also its name. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.name = reason;
    this.reason = reason;
  }
}

/** Answers after which a new session may help. */
const lost = new Set([
  'CKR_CRYPTOKI_NOT_INITIALIZED',
  'CKR_DEVICE_ERROR',
  'CKR_DEVICE_REMOVED',
  'CKR_GENERAL_ERROR',
  'CKR_KEY_HANDLE_INVALID',
  'CKR_OBJECT_HANDLE_INVALID',
  'CKR_SESSION_CLOSED',
  'CKR_SESSION_HANDLE_INVALID',
  'CKR_SLOT_ID_INVALID',
  'CKR_TOKEN_NOT_PRESENT',
  'CKR_TOKEN_NOT_RECOGNIZED',
  'CKR_USER_NOT_LOGGED_IN',
  // Modules for network HSMs have numbers of their own for a lost connection.
  'CKR_VENDOR_DEFINED',
]);

/** True if the session, the login or the handle of the key are gone, and not the token's will. */
export function isLost(error: unknown): boolean {
  return error instanceof TokenFailure && lost.has(error.reason);
}

/** True if the token has no such key: as some modules say it of a token that was away for a moment, too. */
export function isMissing(error: unknown): boolean {
  return error instanceof TokenFailure && error.reason === 'no-key';
}

const pinAnswers = new Set([
  'CKR_PIN_EXPIRED',
  'CKR_PIN_INCORRECT',
  'CKR_PIN_INVALID',
  'CKR_PIN_LEN_RANGE',
  'CKR_PIN_LOCKED',
  'CKR_USER_PIN_NOT_INITIALIZED',
  'pin-refused',
]);

/** True if the token does not take the PIN: offered again, it could lock the token. */
export function isAboutPin(error: unknown): boolean {
  return error instanceof TokenFailure && pinAnswers.has(error.reason);
}

const policy = 'A policy of the token may forbid what the README of @sealwire/pkcs11 lists.';

/** What to do about what a token answers. */
const remedies: Readonly<Record<string, string>> = {
  CKR_ATTRIBUTE_SENSITIVE: policy,
  CKR_ATTRIBUTE_VALUE_INVALID: policy,
  CKR_CANT_LOCK: 'The module cannot be called by several threads.',
  CKR_CURVE_NOT_SUPPORTED: 'The token has no P-256.',
  CKR_MECHANISM_INVALID: 'The token has no EC keys, or no CKM_ECDH1_DERIVE.',
  CKR_MECHANISM_PARAM_INVALID: policy,
  CKR_PIN_EXPIRED: 'Set a new PIN.',
  CKR_PIN_INCORRECT: 'The PIN is wrong. It is not offered again, because tokens lock after a few wrong ones.',
  CKR_PIN_LOCKED: 'The PIN is locked: the security officer of the token has to set a new one.',
  CKR_SESSION_COUNT: 'The token allows fewer sessions: lower `sessions`.',
  CKR_TEMPLATE_INCONSISTENT: policy,
  CKR_USER_PIN_NOT_INITIALIZED: 'The token has no PIN yet: its security officer has to set one.',
};

/** What happened and what to do about it. */
export function explained({ reason, message }: TokenFailure): string {
  const remedy = remedies[reason];
  return remedy === undefined ? message : `${message} ${remedy}`;
}
