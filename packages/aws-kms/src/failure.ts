import { type ErrorCode, SealwireError } from '@sealwire/core';

/** A call that is described in errors. None of it is secret. */
export interface Call {
  /** As IAM calls it, without `kms:`. */
  readonly action: 'GetPublicKey' | 'DeriveSharedSecret' | 'GenerateDataKey' | 'Decrypt';
  readonly keyId: string;
  readonly region: string;
}

type Remedy = (call: Call) => string;

const allow: Remedy = ({ action }) =>
  `Allow kms:${action} on this key, in the policy of the key or in the IAM policy of this process.`;
const locate: Remedy = ({ region }) =>
  `There is no such key in ${region}: check its id, the account, and the region of the client.`;
const signIn: Remedy = ({ region }) =>
  `AWS does not take the credentials of the client: check them, their expiry, the region (${region}) and the clock.`;
const anotherKind: Remedy = ({ action }) =>
  action === 'GetPublicKey' || action === 'DeriveSharedSecret'
    ? 'It has to be a key with KeySpec ECC_NIST_P256 and KeyUsage KEY_AGREEMENT.'
    : 'It has to be a key with KeySpec SYMMETRIC_DEFAULT and KeyUsage ENCRYPT_DECRYPT.';

/** What does not pass by waiting, by the name of the error. */
const remedies = new Map<string, Remedy>(
  Object.entries({
    AccessDeniedException: allow,
    NotAuthorized: allow,
    DisabledException: () => 'The key is disabled: enable it, or use another.',
    KMSInvalidStateException: () =>
      'The state of the key forbids it: see whether its deletion is pending, or its material was not imported.',
    NotFoundException: locate,
    InvalidArnException: locate,
    UnsupportedOperationException: anotherKind,
    InvalidKeyUsageException: anotherKind,
    InvalidCiphertextException: () =>
      'The bundle was altered, or wrapped under another key or encryption context.',
    IncorrectKeyException: () => 'The bundle was wrapped under another key.',
    ValidationException: () =>
      'AWS KMS does not take the request: check the key id and the encryption context.',
    CredentialsProviderError: signIn,
    ExpiredTokenException: signIn,
    IncompleteSignature: signIn,
    IncompleteSignatureException: signIn,
    InvalidClientTokenIdException: signIn,
    InvalidSignatureException: signIn,
    MissingAuthenticationTokenException: signIn,
    UnrecognizedClientException: signIn,
  }),
);

/**
 * What a failed call is for Sealwire: `keys-invalid` for what has to be put right, `unavailable` for what may pass.
 *
 * The error of the SDK is not kept. It holds the response, and its message may quote one: of a damaged response a part of
 * the secret in it, of a refused signature the session token.
 */
export function failureOf(call: Call, error: unknown): SealwireError {
  const remedy = remedies.get(nameOf(error));
  const told = `AWS KMS did not do ${call.action} with the key ${call.keyId}.`;
  const cause = new Error(describe(error));
  cause.name = nameOf(error);
  return remedy === undefined
    ? new SealwireError('unavailable', told, { cause })
    : new SealwireError('keys-invalid', `${told} ${remedy(call)}`, { cause });
}

/** An answer that came in time and is not what was asked for. */
export function wrongAnswer({ action, keyId }: Call, what: string, code: ErrorCode = 'unavailable') {
  return new SealwireError(code, `What AWS KMS answered to ${action} with the key ${keyId} ${what}.`);
}

interface SdkError {
  name?: unknown;
  code?: unknown;
  $metadata?: { httpStatusCode?: unknown; requestId?: unknown; attempts?: unknown };
}

const word = /^[A-Za-z0-9_-]{1,80}$/;

function nameOf(error: unknown): string {
  const { name } = (error ?? {}) as SdkError;
  return typeof name === 'string' && word.test(name) ? name : 'Error';
}

/** What is told beside the name: words and numbers only. */
function describe(error: unknown): string {
  const { code, $metadata = {} } = (error ?? {}) as SdkError;
  const parts = {
    code,
    status: $metadata.httpStatusCode,
    request: $metadata.requestId,
    attempts: $metadata.attempts,
  };
  const known = Object.entries(parts).filter(([, value]) => word.test(String(value ?? '')));
  return known.map(([name, value]) => `${name} ${value}`).join(', ');
}
