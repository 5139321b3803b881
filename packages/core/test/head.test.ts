import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isSealwireError } from '../src/errors.ts';
import {
  decodeFieldSection,
  decodeRequestHead,
  decodeResponseHead,
  encodeFieldSection,
  encodeRequestHead,
  encodeResponseHead,
  type Field,
  headLength,
  maxHeadLength,
  type RequestHead,
} from '../src/head.ts';
import { refusalCodeSync } from './support/refusal.ts';
import { hex, toHex } from './support/vectors.ts';

const token = fc.string({
  unit: fc.constantFrom(..."abcxyz0189-_!#$%&*.^`|~+'"),
  minLength: 1,
  maxLength: 12,
});
const visible = Array.from({ length: 0x5e }, (_, i) => String.fromCharCode(0x21 + i));
const high = ['\x80', 'é', '\xff'];
const value = fc
  .string({ unit: fc.constantFrom(...visible, ...high, ' ', '\t'), maxLength: 30 })
  .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''));
const fields = fc.array(fc.tuple(token, value), { maxLength: 8 });
const byteString = fc.string({ unit: fc.constantFrom(...visible, ...high), maxLength: 40 });
const requestHead: fc.Arbitrary<RequestHead> = fc.record(
  {
    method: fc.constantFrom('GET', 'POST', 'DELETE', 'PROPFIND', 'M-SEARCH', 'get', "!#$%&'*+-.^_`|~0Az"),
    scheme: byteString,
    authority: byteString,
    path: byteString,
    fields,
  },
  { noNullPrototype: true },
);

const simple: RequestHead = {
  method: 'GET',
  scheme: 'https',
  authority: 'a.example',
  path: '/x?y',
  fields: [
    ['accept', '*/*'],
    ['x', ''],
  ],
};
const simpleBytes = hex(
  // Length; method, scheme, authority, path; 15 bytes of fields: accept with its value, x with none.
  `2a 03474554 056874747073 09612e6578616d706c65 042f783f79 0e 06616363657074 032a2f2a 0178 00`.replaceAll(
    ' ',
    '',
  ),
);

test('the head of a request is control data and field section of Binary HTTP', () => {
  const bytes = encodeRequestHead(simple);
  assert.is(toHex(bytes.subarray(1)), toHex(simpleBytes.subarray(1)));
  assert.is(bytes[0], bytes.length - 1);
  assert.equal(decodeRequestHead(bytes), simple);
});

test('the head of a response is status and field section of Binary HTTP', () => {
  const bytes = encodeResponseHead({ status: 404, fields: [['a', 'b']] });
  assert.is(toHex(bytes), '07 4194 04 0161 0162'.replaceAll(' ', ''));
  assert.equal(decodeResponseHead(bytes), { status: 404, fields: [['a', 'b']] });
});

test('any head comes back as it was', () => {
  fc.assert(
    fc.property(requestHead, (head) => assert.equal(decodeRequestHead(encodeRequestHead(head)), head)),
  );
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 999 }), fields, (status, list) => {
      assert.equal(decodeResponseHead(encodeResponseHead({ status, fields: list })), {
        status,
        fields: list,
      });
      assert.equal(decodeFieldSection(encodeFieldSection(list)), list);
    }),
  );
});

test('several fields of one name stay apart and in order', () => {
  const list: Field[] = [
    ['set-cookie', 'a=1'],
    ['b', '2'],
    ['set-cookie', 'c=3'],
    ['set-cookie', 'a=1'],
  ];
  assert.equal(decodeResponseHead(encodeResponseHead({ status: 200, fields: list })).fields, list);
});

test('the length of a head is known from the beginning of record 0, whatever body follows', () => {
  fc.assert(
    fc.property(requestHead, fc.uint8Array({ maxLength: 50 }), (head, body) => {
      const bytes = encodeRequestHead(head);
      const record = new Uint8Array([...bytes, ...body]);
      assert.is(headLength(record), bytes.length);
      assert.equal(decodeRequestHead(record.subarray(0, headLength(record))), head);
    }),
  );
});

test('a head that is not wholly in its record is refused, wherever it is cut', () => {
  const bytes = encodeRequestHead(simple);
  assert.is(headLength(bytes), bytes.length);
  for (let end = 0; end < bytes.length; end++) {
    assert.is(
      refusalCodeSync(() => headLength(bytes.subarray(0, end))),
      'rejected',
    );
    assert.is(
      refusalCodeSync(() => decodeRequestHead(bytes.subarray(0, end))),
      'rejected',
    );
  }
  assert.is(
    refusalCodeSync(() => decodeRequestHead(new Uint8Array([...bytes, 0]))),
    'rejected',
  );
});

test('lengths inside a head that do not add up are refused', () => {
  const bytes = encodeRequestHead(simple);
  decodeRequestHead(bytes);
  // Own length, method, scheme, authority, path, field section, first name and value, second name.
  for (const at of [0, 1, 5, 11, 21, 26, 27, 34, 38]) {
    for (const difference of [-1, 1, 20]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) + difference;
      assert.is(
        refusalCodeSync(() => decodeRequestHead(changed)),
        'rejected',
        `at ${at}, ${difference}`,
      );
    }
  }
});

test('a head has at most 16 KiB, one that is larger is named so', () => {
  const of = (length: number): RequestHead => ({ ...simple, fields: [['x', 'v'.repeat(length)]] });
  let longest = maxHeadLength - 100;
  while (encodes(of(longest + 1))) longest++;
  const bytes = encodeRequestHead(of(longest));
  // 16,384 is the first length that takes four bytes.
  assert.is(bytes.length, 4 + maxHeadLength);
  assert.is(decodeRequestHead(bytes).fields[0]?.[1].length, longest);
  for (const length of [maxHeadLength, maxHeadLength + 1, 100_000]) {
    assert.is(
      refusalCodeSync(() => encodeRequestHead(of(length))),
      'head-too-large',
    );
    assert.is(
      refusalCodeSync(() => encodeResponseHead({ status: 200, fields: of(length).fields })),
      'head-too-large',
    );
    assert.is(
      refusalCodeSync(() => encodeFieldSection(of(length).fields)),
      'head-too-large',
    );
  }
});

test('a received head of more than 16 KiB is refused on its length', () => {
  const record = (length: number) => {
    const bytes = new Uint8Array(4 + maxHeadLength + 10);
    new DataView(bytes.buffer).setUint32(0, 0x8000_0000 + length);
    return bytes;
  };
  assert.is(headLength(record(maxHeadLength)), 4 + maxHeadLength);
  assert.is(
    refusalCodeSync(() => headLength(record(maxHeadLength + 1))),
    'rejected',
  );
  const long = hex(`ffffffffffffffff${'00'.repeat(50)}`);
  assert.is(
    refusalCodeSync(() => headLength(long)),
    'rejected',
  );
});

function encodes(head: RequestHead): boolean {
  try {
    return encodeRequestHead(head).length > 0;
  } catch (error) {
    assert.ok(isSealwireError(error, 'head-too-large'));
    return false;
  }
}

/** A head as an attacker with a session of his own may seal it. */
function rawHead(parts: readonly string[], list: readonly Field[]): Uint8Array {
  const lengths = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
  const section = Buffer.concat(list.flatMap(([name, text]) => [lengths(name), lengths(text)]));
  const content = Buffer.concat([...parts.map(lengths), Buffer.from([section.length]), section]);
  return new Uint8Array(Buffer.concat([Buffer.from([content.length]), content]));
}

test('a method that is no token is refused', () => {
  const decode = (method: string) => () => decodeRequestHead(rawHead([method, 'https', 'a', '/'], []));
  assert.is(decode('GET')().method, 'GET');
  for (const method of ['', 'GET ', 'G ET', 'GET\r\nx', 'GÉT', 'GET/', '(', 'x'.repeat(65)]) {
    assert.is(refusalCodeSync(decode(method)), 'rejected', JSON.stringify(method));
  }
});

test('a field name that is no lower-case token, or empty, is refused', () => {
  const decode = (name: string) => () =>
    decodeRequestHead(rawHead(['GET', 'https', 'a', '/'], [[name, 'v']]));
  assert.equal(decode('x-a')().fields, [['x-a', 'v']]);
  for (const name of ['', 'X-A', 'x a', 'x:', ':path', 'x\r\n', 'x\0', 'é', 'x\t', '"x"', 'x,y']) {
    assert.is(refusalCodeSync(decode(name)), 'rejected', JSON.stringify(name));
  }
});

test('a field value with a line break, a control character or outer blanks is refused', () => {
  const decode = (text: string) => () =>
    decodeRequestHead(rawHead(['GET', 'https', 'a', '/'], [['x', text]]));
  for (const text of ['', 'v', 'a b', 'a\tb', 'é', '\x80\xff'])
    assert.is(decode(text)().fields[0]?.[1], text);
  for (const text of [
    'a\r\nb',
    'a\nb',
    'a\rb',
    'a\0b',
    '\x7f',
    '\x1f',
    ' a',
    'a ',
    '\ta',
    'a\t',
    ' ',
    '\t',
  ]) {
    assert.is(refusalCodeSync(decode(text)), 'rejected', JSON.stringify(text));
  }
});

test('a status has three digits', () => {
  const decode = (encoded: string) => () => decodeResponseHead(hex(encoded));
  assert.is(decode('03406400')().status, 100);
  assert.is(decode('0343e700')().status, 999);
  for (const encoded of ['020000', '03406300', '0343e800', '0580002710 00'.replace(' ', '')]) {
    assert.is(refusalCodeSync(decode(encoded)), 'rejected', encoded);
  }
});

test('what is not a ByteString cannot be put into a head', () => {
  assert.ok(encodeRequestHead({ ...simple, path: '/\xff' }));
  for (const head of [
    { ...simple, path: '/€' },
    { ...simple, fields: [['x', '日本']] as Field[] },
  ]) {
    assert.is(
      refusalCodeSync(() => encodeRequestHead(head)),
      'malformed',
    );
  }
});

test('any bytes at all are a head or are rejected', () => {
  const starts = [encodeRequestHead(simple), encodeResponseHead({ status: 200, fields: simple.fields })];
  const mutated = fc
    .tuple(
      fc.constantFrom(...starts),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
    )
    .map(([start, edits]) => {
      const bytes = start.slice();
      for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 60 })), (bytes) => {
      for (const decode of [decodeRequestHead, decodeResponseHead, decodeFieldSection, headLength]) {
        try {
          decode(bytes);
        } catch (error) {
          assert.ok(isSealwireError(error, 'rejected'), String(error));
        }
      }
    }),
    { numRuns: 3000 },
  );
});

test.run();
