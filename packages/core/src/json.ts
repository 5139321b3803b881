import { fromUtf8 } from './bytes.ts';
import { type ErrorCode, SealwireError } from './errors.ts';

/** Says whether a value is of the form that is wanted. */
export type Validator = (value: unknown) => boolean;

/**
 * The JSON value in UTF-8 bytes if it fits the schema.
 * @throws SealwireError with `code` for bytes that are too many, not UTF-8, not JSON or of another form
 */
export function parseJson<T>(bytes: Uint8Array, maxLength: number, valid: Validator, code: ErrorCode): T {
  if (bytes.length <= maxLength) {
    try {
      const value: unknown = JSON.parse(fromUtf8(bytes));
      if (valid(value)) return value as T;
    } catch {
      // Not UTF-8 or not JSON: refused like any other form.
    }
  }
  throw new SealwireError(code);
}
