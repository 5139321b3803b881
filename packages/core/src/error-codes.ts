import { table } from './error-table.ts';
import type { ErrorCode } from './errors.ts';

/** Every code. */
export const errorCodes = /* @__PURE__ */ Object.keys(table) as readonly ErrorCode[];

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(table, value);
}
