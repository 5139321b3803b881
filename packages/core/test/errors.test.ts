import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorCodes, isErrorCode } from '../src/error-codes.ts';
import { type ErrorCode, isSealwireError, rejected, SealwireError, statusOf, textOf } from '../src/errors.ts';
import { problemCode, problemOf, problemType } from '../src/problem.ts';

/** Codes are stable: callers branch on them. One may be added here, none renamed, and no status changed. */
const statuses = {
  malformed: 400,
  'unsupported-version': 400,
  'unknown-key': 409,
  'unknown-session': 409,
  rejected: 400,
  'sealed-required': 400,
  'too-many-handshakes': 429,
  unavailable: 503,
  timeout: 408,
  'preflight-unanswered': 403,
  'client-refused': 403,
  'not-bound': 403,
  'target-mismatch': 400,
  'field-not-allowed': 400,
  expired: 400,
  replayed: 409,
  'outcome-unknown': 409,
  'head-too-large': 431,
  'invalid-option': 0,
  'keys-required': 0,
  'keys-invalid': 0,
  'key-denied': 0,
  'key-state': 0,
  'audit-failed': 0,
  'origins-required': 0,
  'parser-before-sealwire': 500,
  'response-head-too-large': 500,
  'crypto-unavailable': 0,
  'configuration-unavailable': 0,
  'configuration-invalid': 0,
  'identity-mismatch': 0,
  'audience-mismatch': 0,
  'configuration-expired': 0,
  'configuration-conflict': 0,
  'configuration-outdated': 0,
  'client-key-unavailable': 0,
  'no-common-suite': 0,
  'handshake-failed': 0,
  'plaintext-answer': 0,
  truncated: 0,
  'encoding-unknown': 0,
  'field-not-listed': 0,
  'body-not-resendable': 0,
  'redirect-refused': 0,
  'other-origin': 0,
  'inspection-refused': 0,
  'worker-unavailable': 0,
  'server-unreachable': 502,
  'foreign-caller': 403,
} as const satisfies Record<ErrorCode, number>;
const codes = Object.keys(statuses) as ErrorCode[];

test('the codes and their statuses are the ones that were published', () => {
  assert.equal([...errorCodes].sort(), [...codes].sort());
  for (const code of codes) {
    assert.ok(isErrorCode(code), code);
    assert.is(statusOf(code), statuses[code], code);
  }
});

test('every code says what happened and what to do, in a sentence', () => {
  for (const code of codes) assert.match(textOf(code), /^\S[^\n]{10,200}[.?]$/);
  assert.is(new Set(codes.map(textOf)).size, codes.length);
});

test('only a code is a code', () => {
  assert.ok(isErrorCode('rejected'));
  for (const value of [
    '',
    'Rejected',
    'toString',
    '__proto__',
    'constructor',
    'hasOwnProperty',
    0,
    null,
    undefined,
    {},
  ]) {
    assert.not.ok(isErrorCode(value), String(value));
  }
});

test('an error carries its code, its text and a detail', () => {
  const error = new SealwireError('target-mismatch', 'The path differs.', { cause: 'why' });
  assert.instance(error, Error);
  assert.is(error.name, 'SealwireError');
  assert.is(error.code, 'target-mismatch');
  assert.is(error.message, `${textOf('target-mismatch')} The path differs.`);
  assert.is(error.cause, 'why');
  assert.is(new SealwireError('rejected').message, textOf('rejected'));
  assert.match(String(error.stack), 'errors.test.ts');
});

test('an error has a status for the error handler of a framework only if a server answers with it', () => {
  for (const code of codes) {
    const error = new SealwireError(code);
    const expected = statuses[code] === 0 ? undefined : statuses[code];
    assert.is(error.status, expected, code);
    assert.is(error.statusCode, expected, code);
    assert.is('status' in error, expected !== undefined, code);
  }
});

test('an error is told by its brand, whichever copy of the package threw it', () => {
  const error = rejected();
  assert.ok(isSealwireError(error));
  assert.ok(isSealwireError(error, 'rejected'));
  assert.not.ok(isSealwireError(error, 'malformed'));
  const foreign = Object.assign(new Error('from another copy'), { code: 'expired' });
  assert.not.ok(isSealwireError(foreign));
  Object.defineProperty(foreign, Symbol.for('sealwire.error'), { value: true });
  assert.ok(isSealwireError(foreign, 'expired'));
  for (const value of [undefined, null, 'rejected', 1, {}, { code: 'rejected' }, new TypeError()]) {
    assert.not.ok(isSealwireError(value), String(value));
  }
});

test('all failures to authenticate look the same', () => {
  assert.is(rejected().code, 'rejected');
  assert.is(rejected().message, rejected().message);
  assert.not.ok('cause' in rejected());
});

test('a problem says by RFC 9457 what the error says', () => {
  assert.is(problemType, 'application/problem+json');
  for (const code of codes) {
    assert.equal(problemOf(new SealwireError(code)), {
      type: `urn:sealwire:problem:${code}`,
      title: textOf(code),
      status: statuses[code],
      code,
    });
  }
  assert.equal(problemOf(new SealwireError('target-mismatch', 'The path differs.'), { difference: 'path' }), {
    type: 'urn:sealwire:problem:target-mismatch',
    title: textOf('target-mismatch'),
    status: 400,
    detail: 'The path differs.',
    code: 'target-mismatch',
    difference: 'path',
  });
});

test('a problem never tells the cause of an error', () => {
  const problem = problemOf(
    new SealwireError('rejected', undefined, { cause: new Error('the secret cause') }),
  );
  assert.not.match(JSON.stringify(problem), 'secret');
});

test('the code of a problem is read only if its type says the same', () => {
  for (const code of codes) {
    const problem = JSON.parse(JSON.stringify(problemOf(new SealwireError(code))));
    assert.is(problemCode(problem), code);
  }
  const type = 'urn:sealwire:problem:rejected';
  assert.is(problemCode({ type, code: 'rejected' }), 'rejected');
  // Of a newer server.
  assert.is(problemCode({ type: 'urn:sealwire:problem:new-code', code: 'new-code' }), 'new-code');
  for (const value of [
    undefined,
    null,
    'rejected',
    [],
    {},
    { type },
    { code: 'rejected' },
    { type, code: 'malformed' },
    { type: 'urn:sealwire:problem:toString', code: 'toString' },
    { type: 'urn:sealwire:problem:a sentence', code: 'a sentence' },
    { type: 'about:blank', code: 'rejected' },
    { type: [type], code: ['rejected'] },
  ]) {
    assert.is(problemCode(value), undefined, JSON.stringify(value));
  }
});

test.run();
