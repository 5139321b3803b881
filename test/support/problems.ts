import { isSealwireError, problemType, type SealwireError, statusOf, textOf } from '@sealwire/core';
import * as assert from 'uvu/assert';
import type { RawResponse } from './raw-http.ts';
import { fieldOf, type OpenedResponse } from './wire-message.ts';

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: string;
  time?: number;
}

/** Asserts that an answer is a plaintext problem with a code, and returns it. */
export function assertProblem(response: RawResponse, code: SealwireError['code']): Problem {
  assert.is(response.headers['content-type'], problemType, response.text + response.body.toString('utf8'));
  assert.is(response.headers['sealwire'], code);
  assert.match(response.headers['cache-control'] as string, 'no-store');
  assert.is(response.status, statusOf(code));
  assert.ok(response.complete);
  return assertMembers(response.body, code);
}

/** Asserts that an answer, opened, is a problem with a code that was sealed, and returns it. */
export function assertSealedProblem(response: OpenedResponse, code: SealwireError['code']): Problem {
  assert.is(fieldOf(response, 'content-type'), problemType);
  assert.is(fieldOf(response, 'sealwire'), code);
  assert.is(response.status, statusOf(code));
  assert.ok(response.complete);
  return assertMembers(response.body, code);
}

function assertMembers(body: Buffer, code: SealwireError['code']): Problem {
  const problem = JSON.parse(body.toString('utf8')) as Problem;
  assert.is(problem.code, code);
  assert.is(problem.type, `urn:sealwire:problem:${code}`);
  assert.is(problem.title, textOf(code));
  assert.is(problem.status, statusOf(code));
  return problem;
}

/** The SealwireError that a call throws; fails if it throws nothing, something else or another code. */
export async function thrown(promise: Promise<unknown>, code: SealwireError['code']): Promise<SealwireError> {
  const error = await failure(promise);
  if (!isSealwireError(error, code))
    throw new Error(`not "${code}" but ${describe(error)}`, { cause: error });
  return error;
}

/** Whatever a promise is rejected with; fails if it is not. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`nothing was thrown, but returned: ${describe(value)}`);
}

function describe(value: unknown): string {
  return isSealwireError(value) ? `"${value.code}": ${value.message}` : String(value);
}
