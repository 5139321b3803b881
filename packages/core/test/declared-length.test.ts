import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { declaredLength, LengthCounter } from '../src/declared-length.ts';
import type { Field } from '../src/head.ts';
import { refusalCodeSync } from './support/refusal.ts';

const one = (value: string): Field[] => [
  ['content-type', '5'],
  ['content-length', value],
];

test('a length is declared by one canonical content-length, or not at all', () => {
  assert.is(declaredLength([]), undefined);
  assert.is(declaredLength([['content-type', '5']]), undefined);
  for (const value of ['0', '1', '10', '65536', '9007199254740991'])
    assert.is(declaredLength(one(value)), Number(value));
});

test('a length that is not canonical is refused', () => {
  for (const value of [
    '',
    ' ',
    '00',
    '01',
    '+1',
    '-1',
    '1.0',
    '1e3',
    '0x10',
    '1 ',
    ' 1',
    '1,1',
    '1, 1',
    '１',
    'NaN',
    '1'.repeat(17),
  ]) {
    assert.is(
      refusalCodeSync(() => declaredLength(one(value))),
      'rejected',
      JSON.stringify(value),
    );
  }
});

test('a length that is declared twice is refused, also when both say the same', () => {
  for (const second of ['5', '6']) {
    const fields: Field[] = [...one('5'), ['content-length', second]];
    assert.is(
      refusalCodeSync(() => declaredLength(fields)),
      'rejected',
    );
  }
});

test('as many bytes as declared are complete, fewer are truncated, more are refused at once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 100 })), fc.nat({ max: 300 }), (chunks, declared) => {
      const counter = new LengthCounter(declared);
      let count = 0;
      for (const chunk of chunks) {
        count += chunk;
        if (count > declared) {
          assert.is(
            refusalCodeSync(() => counter.add(chunk)),
            'rejected',
          );
          return;
        }
        counter.add(chunk);
      }
      if (count === declared) counter.end();
      else
        assert.is(
          refusalCodeSync(() => counter.end()),
          'truncated',
        );
    }),
  );
});

test('without a declared length any number of bytes is complete', () => {
  const counter = new LengthCounter(undefined);
  counter.end();
  counter.add(2 ** 40);
  counter.end();
});

test.run();
