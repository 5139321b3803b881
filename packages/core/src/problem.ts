import { type ErrorCode, type SealwireError, statusOf, textOf } from './errors.ts';

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

/** How a code is spelt; a newer server may have more of them. */
const codeForm = /^[a-z-]{1,40}$/;

/** The code of a problem that a server answered with, if the value is one. */
export function problemCode(value: unknown): ErrorCode | undefined {
  const { code, type } = (value ?? {}) as Record<string, unknown>;
  const isCode = typeof code === 'string' && codeForm.test(code) && type === urn + code;
  return isCode ? (code as ErrorCode) : undefined;
}
