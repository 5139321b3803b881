import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { maxVarint, readVarint, varint, varintLengthOf } from '../src/varint.ts';
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

const bytesOf = (value: number) => new Uint8Array(Buffer.from(varint(value), 'latin1'));

test('numbers are written in the fewest bytes and read back', () => {
  for (const [value, encoded] of values) {
    const bytes = bytesOf(value);
    assert.is(toHex(bytes), encoded);
    assert.is(varintLengthOf(bytes[0] as number), bytes.length);
    assert.is(readVarint(new Uint8Array([0xee, ...bytes, 0xee]), 1), value);
  }
  assert.is(maxVarint, 2 ** 30 - 1);
});

test('any number up to the greatest comes back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: maxVarint }), (value) => {
      assert.is(readVarint(bytesOf(value), 0), value);
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
