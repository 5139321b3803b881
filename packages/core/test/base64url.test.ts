import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBase64Url, encodeBase64Url } from '../src/base64url.ts';
import { refusalCodeSync } from './support/refusal.ts';
import { toHex } from './support/vectors.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

test('the examples of RFC 4648 come out without padding', () => {
  for (const [text, encoded] of [
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
  ] as const) {
    assert.is(encodeBase64Url(Buffer.from(text)), encoded);
    assert.is(Buffer.from(decodeBase64Url(encoded)).toString(), text);
  }
  assert.is(encodeBase64Url(Uint8Array.of(0xfb, 0xff, 0xfe)), '-__-');
});

test('any bytes come back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.is(toHex(decodeBase64Url(encodeBase64Url(bytes))), toHex(bytes));
    }),
  );
});

test('every text is refused or is what its bytes encode to', () => {
  const character = fc.constantFrom(...alphabet, '=', '+', '/', ' ', '\n', 'é', '\0');
  fc.assert(
    fc.property(fc.string({ unit: character, maxLength: 12 }), (text) => {
      let bytes: Uint8Array | undefined;
      try {
        bytes = decodeBase64Url(text);
      } catch {
        assert.is(
          refusalCodeSync(() => decodeBase64Url(text)),
          'malformed',
        );
      }
      if (bytes !== undefined) assert.is(encodeBase64Url(bytes), text);
    }),
    { numRuns: 2000 },
  );
});

test('padding, blanks and characters of plain base64 are refused', () => {
  assert.is(decodeBase64Url('-_8').length, 2);
  for (const text of [
    '-_8=',
    '+_8',
    '-/8',
    ' -_8',
    '-_8 ',
    '-_8\n',
    '-_ 8',
    '-_8\0',
    '-_8é',
    '-_8.',
    '-.8',
  ]) {
    assert.is(
      refusalCodeSync(() => decodeBase64Url(text)),
      'malformed',
      JSON.stringify(text),
    );
  }
});

function takes(text: string): boolean {
  try {
    return decodeBase64Url(text).length >= 0;
  } catch {
    return false;
  }
}

test('unused bits are zero: one spelling for each value', () => {
  const taken = (prefix: string) => [...alphabet].filter((last) => takes(prefix + last)).join('');
  // Of the last character of two, two bits count, of the last of three, four; one character alone is no byte.
  for (const prefix of ['', 'AAAA']) {
    assert.is(taken(prefix), '');
    assert.is(taken(`${prefix}_`), 'AQgw');
    assert.is(taken(`${prefix}__`), 'AEIMQUYcgkosw048');
    assert.is(taken(`${prefix}___`), alphabet);
  }
});

test('a length that no bytes have is refused', () => {
  for (const length of [1, 5, 9, 41]) {
    assert.is(
      refusalCodeSync(() => decodeBase64Url('A'.repeat(length))),
      'malformed',
    );
    assert.ok(decodeBase64Url('A'.repeat(length + 1)));
  }
});

test.run();
