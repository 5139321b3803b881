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

/** True if an answer, which has the ARN of its key, is one of the key that was asked for. */
export function isOfKey(arn: string | undefined, keyId: string): arn is string {
  return arn !== undefined && (arn === keyId || arn.endsWith(`:key/${keyId}`));
}
