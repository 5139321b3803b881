import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatPin, parsePin } from '../src/identity.ts';
import { refusal, refusalCodeSync } from './support/refusal.ts';
import { toHex } from './support/vectors.ts';

test('a pin is sw1 and the public key, and comes back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (pub) => {
      const pin = formatPin(pub);
      assert.match(pin, /^sw1[A-Za-z0-9_-]{43}$/);
      assert.is(toHex(parsePin(pin)), toHex(pub));
    }),
  );
});

test('a pin that is spelt in any other way is refused', () => {
  const pin = formatPin(new Uint8Array(32).fill(0xaa));
  parsePin(pin);
  for (const other of [
    '',
    'sw1',
    pin.slice(0, -1),
    `${pin}A`,
    `${pin}=`,
    `${pin.slice(0, -1)}=`,
    ` ${pin}`,
    `${pin} `,
    `${pin}\n`,
    ` ${pin.slice(0, -1)}`,
    `SW1${pin.slice(3)}`,
    `sw2${pin.slice(3)}`,
    `sw1 ${pin.slice(4)}`,
    `sw1+${pin.slice(4)}`,
    // 32 bytes leave two bits over, which are zero.
    ...['B', 'C', 'D', 'p', 'r'].map((last) => pin.slice(0, -1) + last),
    undefined,
    null,
    1,
    [pin],
    { toString: () => pin },
    new Uint8Array(32),
  ]) {
    assert.is(
      refusalCodeSync(() => parsePin(other)),
      'invalid-option',
      JSON.stringify(other),
    );
  }
});

test('the error of a wrong pin says what a pin looks like and where it comes from, and does not repeat it', async () => {
  const error = await refusal(() => parsePin('sw1 something that was pasted'));
  assert.match(error.message, 'sw1');
  assert.match(error.message, 'server prints it');
  assert.not.match(error.message, 'pasted');
});

test.run();
