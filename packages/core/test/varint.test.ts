import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { maxVarint, readVarint, varintLength, varintLengthOf, writeVarint } from '../src/varint.ts';
import { hex, toHex } from './support/vectors.ts';

const values: readonly [number, string][] = [
  [0, '00'],
  [1, '01'],
  [63, '3f'],
  [64, '4040'],
  [16_383, '7fff'],
  [16_384, '80004000'],
  [1_073_741_823, 'bfffffff'],
  // RFC 9000, Appendix A.1.
  [37, '25'],
  [15_293, '7bbd'],
  [494_878_333, '9d7f3e7d'],
];

test('numbers are written in the fewest bytes and read back', () => {
  for (const [value, encoded] of values) {
    const bytes = new Uint8Array(10).fill(0xee);
    const end = writeVarint(bytes, 3, value);
    assert.is(toHex(bytes.subarray(3, end)), encoded);
    assert.is(end - 3, varintLength(value));
    assert.is(varintLengthOf(bytes[3] as number), varintLength(value));
    assert.is(readVarint(bytes, 3), value);
    assert.is(bytes[2], 0xee);
    assert.is(bytes[end], 0xee);
  }
  assert.is(maxVarint, 2 ** 30 - 1);
});

test('any number up to the greatest comes back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: maxVarint }), (value) => {
      const bytes = new Uint8Array(4);
      assert.is(writeVarint(bytes, 0, value), varintLength(value));
      assert.is(readVarint(bytes, 0), value);
    }),
  );
});

test('longer encodings than necessary are read as the same number', () => {
  for (const encoded of ['25', '4025', '80000025', 'c000000000000025']) {
    const bytes = hex(encoded);
    assert.is(varintLengthOf(bytes[0] as number), bytes.length);
    assert.is(readVarint(bytes, 0), 37);
  }
});

test('an eight-byte number is never read as a small one', () => {
  assert.is(readVarint(hex('c2197c5eff14e88c'), 0), Number(151_288_809_941_952_652n));
  for (const encoded of ['c000000040000000', 'c000000100000000', 'c0ffffffffffffff', 'ffffffffffffffff']) {
    assert.ok(readVarint(hex(encoded), 0) > maxVarint, encoded);
  }
});

test.run();
