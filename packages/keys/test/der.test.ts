import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { fc } from '../../../test/support/properties.ts';
import { DerReader, element, integer, octetsTag, sequenceTag } from '../src/der.ts';
import { decodePem, encodePem } from '../src/pem.ts';

const isTypeError = (error: unknown) => error instanceof TypeError;
const octets = (maxLength = 300) => fc.uint8Array({ maxLength });

/** What a reader takes of some bytes, written again; undefined if it refuses them. */
function rewritten(bytes: Uint8Array): Uint8Array | undefined {
  try {
    const reader = new DerReader(bytes);
    const number = reader.integer();
    const text = reader.read(octetsTag);
    reader.end();
    return Buffer.concat([integer(number), element(octetsTag, text)]);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

it('what is written is read again, whatever its length', () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffff_ffff }), octets(70_000), (number, text) => {
      fc.pre(text.length <= 0xffff);
      const written = Buffer.concat([integer(number), element(octetsTag, text)]);
      assert.equal(rewritten(written), written);
    }),
  );
});

it('lengths and integers at the edges of their forms are read again', () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535])
    assert.is(new DerReader(element(octetsTag, new Uint8Array(length))).read(octetsTag).length, length);
  assert.throws(
    () => element(octetsTag, new Uint8Array(65_536)),
    (error: unknown) => error instanceof RangeError,
  );
  for (const number of [0, 127, 128, 255, 256, 32_767, 32_768, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])
    assert.is(new DerReader(integer(number)).integer(), number);
});

it('there is one encoding of everything that is read', () => {
  const number = fc.nat({ max: 70_000 });
  fc.assert(
    fc.property(number, octets(), fc.nat(), fc.nat({ max: 255 }), (value, text, at, octet) => {
      const bytes = Buffer.concat([integer(value), element(octetsTag, text)]);
      bytes[at % bytes.length] = octet;
      const read = rewritten(bytes);
      if (read !== undefined) assert.equal(read, bytes);
    }),
    { numRuns: 2000 },
  );
});

for (const [what, hex] of [
  ['an element cut short', '040201'],
  ['a length cut short', '0482ff'],
  ['a long form of a short length', '04810100'],
  ['two octets for a length of one', '04820080'],
  ['a length of three octets', '0483000001ff'],
  ['an indefinite length', '04800000'],
  ['nothing', ''],
] as const)
  it(`${what} is refused`, () => {
    assert.throws(() => new DerReader(Buffer.from(hex, 'hex')).read(octetsTag), isTypeError);
  });

for (const [what, hex] of [
  ['a negative integer', '0201ff'],
  ['an integer with a needless zero', '02020001'],
  ['an integer without octets', '0200'],
  ['an integer of 33 bits', '02050100000000'],
  ['a huge integer', '02060100000000ff'],
] as const)
  it(`${what} is refused`, () => {
    assert.throws(() => new DerReader(Buffer.from(hex, 'hex')).integer(), isTypeError);
  });

it('another tag, and octets behind the end, are refused', () => {
  assert.throws(() => new DerReader(integer(1)).read(octetsTag), isTypeError);
  const reader = new DerReader(element(sequenceTag, integer(1), integer(2))).sequence();
  reader.integer();
  assert.throws(() => reader.end(), isTypeError);
});

it('PEM comes back as it was written', () => {
  fc.assert(
    fc.property(octets(), (bytes) => {
      const decoded = decodePem(encodePem('SOME KEY', bytes));
      assert.equal(decoded, { label: 'SOME KEY', bytes: Buffer.from(bytes) });
    }),
  );
});

it('no character of PEM can be another one and still mean the same', () => {
  const bytes = Buffer.alloc(100, 'sealwire');
  const text = encodePem('SOME KEY', bytes);
  for (let at = 0; at < text.length; at++) {
    for (const other of ['A', '=', '\n', ' ', '-', '']) {
      if (other === text[at]) continue;
      const changed = decodePem(text.slice(0, at) + other + text.slice(at + 1));
      assert.not.ok(changed?.label === 'SOME KEY' && changed.bytes.equals(bytes), `${at} ${other}`);
    }
  }
  for (const around of [
    `${text}\n`,
    `\n${text}`,
    `Bag\n${text}`,
    text.trimEnd(),
    text.replaceAll('\n', '\r\n'),
  ])
    assert.is(decodePem(around), undefined);
});

test.run();
