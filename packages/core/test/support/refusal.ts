import { type ErrorCode, isSealwireError, type SealwireError } from '../../src/errors.ts';

/** The SealwireError an action fails with. Any other error, or none, fails the test. */
export async function refusal(action: () => unknown): Promise<SealwireError> {
  try {
    await action();
  } catch (error) {
    if (isSealwireError(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** The code of that error. */
export async function refusalCode(action: () => unknown): Promise<ErrorCode> {
  return (await refusal(action)).code;
}

/** The same for an action that answers at once. */
export function refusalCodeSync(action: () => unknown): ErrorCode {
  try {
    action();
  } catch (error) {
    if (isSealwireError(error)) return error.code;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** True if an action throws anything at all: for parts below the error table. */
export async function throws(action: () => unknown): Promise<boolean> {
  try {
    await action();
    return false;
  } catch {
    return true;
  }
}
