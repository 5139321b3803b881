import { type ErrorCode, isErrorCode, type SealwireError, statusOf, textOf } from './errors.ts';

/** RFC 9457. */
export const problemType = 'application/problem+json';
const urn = 'urn:sealwire:problem:';

/** Problem details of an error, with the members of an extension. */
export function problemOf(error: SealwireError, members?: Record<string, unknown>): Record<string, unknown> {
  const { code } = error;
  const text = textOf(code);
  const detail = error.message.slice(text.length).trimStart();
  return {
    type: urn + code,
    title: text,
    status: statusOf(code),
    ...(detail === '' ? {} : { detail }),
    code,
    ...members,
  };
}

/** The code of a problem that a server answered with, if the value is one. */
export function problemCode(value: unknown): ErrorCode | undefined {
  const code = (value as { code?: unknown } | null | undefined)?.code;
  return isErrorCode(code) && (value as { type?: unknown }).type === urn + code ? code : undefined;
}
