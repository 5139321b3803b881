import { SealwireError } from '@sealwire/core';

export interface KmsOptions {
  /**
   * How long one call may take with all its retries, in milliseconds, at most 4,500: core gives a key 5 s. Default 4,000.
   */
  readonly timeLimit?: number;
}

const defaultTimeLimit = 4000;
const maxTimeLimit = 4500;
/** The id of a key, also of a multi-region one, or its ARN. */
const keyIdForm = /^(?:arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/)?[A-Za-z0-9-]{1,128}$/;

/** The time limit of a call in milliseconds. @throws SealwireError `invalid-option` */
export function timeLimitOf({ timeLimit = defaultTimeLimit }: KmsOptions): number {
  if (Number.isInteger(timeLimit) && timeLimit > 0 && timeLimit <= maxTimeLimit) return timeLimit;
  throw new SealwireError(
    'invalid-option',
    `timeLimit is a whole number of milliseconds from 1 to ${maxTimeLimit}.`,
  );
}

/** An alias can be pointed at another key at any time, and no answer of KMS tells it. @throws SealwireError `invalid-option` */
export function checkKeyId(keyId: string): void {
  if (typeof keyId === 'string' && keyIdForm.test(keyId)) return;
  throw new SealwireError('invalid-option', 'keyId is the id or the ARN of a KMS key, not an alias.');
}

/** True if an answer is of the key that was asked for: KMS tells its ARN, or its id alone. */
export function isOfKey(answered: string | undefined, keyId: string): boolean {
  if (answered === undefined) return false;
  const both = isArn(answered) === isArn(keyId);
  return both ? answered === keyId : idOf(answered) === idOf(keyId);
}

function isArn(keyId: string): boolean {
  return keyId.startsWith('arn:');
}

function idOf(keyId: string): string {
  return keyId.slice(keyId.lastIndexOf('/') + 1);
}
