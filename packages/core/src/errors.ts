import { table } from '#errors';
import type { clientErrors } from './client-errors.ts';
import type { serverErrors } from './server-errors.ts';

/** Stable code of a {@link SealwireError}. */
export type ErrorCode = keyof typeof clientErrors | keyof typeof serverErrors;

/** Of this platform. */
const known: Partial<Record<ErrorCode, readonly [status: number, text: string]>> = table;

/** The HTTP status a server answers a code with; 0 if it is never sent. */
export function statusOf(code: ErrorCode): number {
  return known[code]?.[0] ?? 0;
}

/** What the code means and what to do next; empty in a browser, if only servers say it. */
export function textOf(code: ErrorCode): string {
  return known[code]?.[1] ?? '';
}

const brand = Symbol.for('sealwire.error');

/** Every error that Sealwire throws on purpose. Tell it by {@link isSealwireError}, branch on `code`. */
export class SealwireError extends Error {
  override readonly name = 'SealwireError';
  readonly code: ErrorCode;
  /** HTTP status for error handlers of frameworks (`err.status`, `err.statusCode`). */
  declare readonly status?: number;
  declare readonly statusCode?: number;

  /** @param detail what is particular about this case; never a secret, a session id or a payload */
  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    super([textOf(code), detail].filter(Boolean).join(' '), options);
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
    const status = statusOf(code);
    if (status > 0) {
      this.status = status;
      this.statusCode = status;
    }
  }
}

/** True for a {@link SealwireError} of any copy of this package; with `code`, for that code only. */
export function isSealwireError(value: unknown, code?: ErrorCode): value is SealwireError {
  if (typeof value !== 'object' || value === null || !(brand in value)) return false;
  return code === undefined || (value as unknown as SealwireError).code === code;
}

/** The error that all failures to authenticate look like from outside. */
export function rejected(): SealwireError {
  return new SealwireError('rejected');
}
