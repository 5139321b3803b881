import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allZero, concat, equalBytes, fromUtf8, label, lv, u16, u64, utf8, writeU64 } from '../src/bytes.ts';
import { toHex } from './support/vectors.ts';

const bytes = fc.uint8Array({ maxLength: 40 });

test('integers are big-endian', () => {
  assert.is(toHex(u16(0x0102)), '0102');
  assert.is(toHex(u16(0xffff)), 'ffff');
  assert.is(toHex(u64(0x0102)), '0000000000000102');
  assert.is(toHex(u64(2 ** 32)), '0000000100000000');
  assert.is(toHex(u64(Number.MAX_SAFE_INTEGER)), '001fffffffffffff');
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat({ max: 20 }), (value, offset) => {
      assert.is(BigInt(`0x${toHex(u64(value))}`), BigInt(value));
      const target = new Uint8Array(30).fill(0xee);
      writeU64(target, offset, value);
      assert.is(toHex(target), `${'ee'.repeat(offset)}${toHex(u64(value))}${'ee'.repeat(22 - offset)}`);
    }),
  );
});

test('lv is a length of two bytes, then the bytes', () => {
  assert.is(toHex(lv(new Uint8Array())), '0000');
  assert.is(toHex(lv(Uint8Array.of(7, 8))), '00020708');
  assert.is(toHex(lv(new Uint8Array(1120))).slice(0, 4), '0460');
});

test('a label is ASCII and a zero octet', () => {
  assert.is(toHex(label('sealwire/1 kid')), '7365616c776972652f31206b696400');
});

test('parts are joined in order into memory of their own', () => {
  fc.assert(
    fc.property(fc.array(bytes), (parts) => {
      const joined = concat(...parts);
      assert.is(toHex(joined), parts.map(toHex).join(''));
      assert.ok(parts.every((part) => part.buffer !== joined.buffer));
    }),
  );
  const one = Uint8Array.of(1, 2);
  concat(one)[0] = 9;
  assert.is(one[0], 1);
});

test('byte strings are equal if all bytes are', () => {
  fc.assert(
    fc.property(bytes, bytes, fc.nat(), (a, b, at) => {
      assert.is(equalBytes(a, b), toHex(a) === toHex(b));
      assert.ok(equalBytes(a, a.slice()));
      if (a.length === 0) return;
      const changed = a.slice();
      changed[at % a.length] = (changed[at % a.length] as number) ^ 0x80;
      assert.not.ok(equalBytes(a, changed));
    }),
  );
});

test('only zeros are all zero', () => {
  assert.ok(allZero(new Uint8Array(32)));
  for (let i = 0; i < 32; i++) assert.not.ok(allZero(new Uint8Array(32).fill(1 << (i % 8), i, i + 1)));
});

test('text is UTF-8 both ways, and nothing else is read', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => assert.is(fromUtf8(utf8(`a${text}`)), `a${text}`)),
  );
  for (const wrong of [[0x80], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
    assert.throws(() => fromUtf8(Uint8Array.from(wrong)));
  }
});

test.run();
