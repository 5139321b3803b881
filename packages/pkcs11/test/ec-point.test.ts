import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pointOf } from '../src/ec-point.ts';
import { TokenFailure } from '../src/failure.ts';

const point = Buffer.from(Array.from({ length: 65 }, (_, index) => (index === 0 ? 4 : index)));
const wrapped = Buffer.concat([Buffer.from([0x04, 65]), point]);

test('a point is taken out of its OCTET STRING, or as it is', () => {
  assert.equal(pointOf(wrapped), point);
  assert.equal(pointOf(point), point);
});

test('anything else is refused: another length, another tag, a compressed point, none at all', () => {
  const changed = (bytes: Buffer, index: number, value: number) => {
    const copy = Buffer.from(bytes);
    copy[index] = value;
    return copy;
  };
  const wrong = [
    wrapped.subarray(0, 66),
    Buffer.concat([wrapped, Buffer.from([0])]),
    point.subarray(1),
    changed(wrapped, 0, 0x03),
    changed(wrapped, 1, 64),
    changed(wrapped, 2, 0x02),
    changed(point, 0, 0x03),
    Buffer.alloc(0),
  ];
  for (const each of wrong)
    assert.throws(
      () => pointOf(each),
      (error: unknown) => error instanceof TokenFailure && error.reason === 'unfit-key',
    );
});

test.run();
