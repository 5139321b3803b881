import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { concat } from '../src/bytes.ts';
import { aeadSeal, importAeadKey } from '../src/crypto.node.ts';
import {
  maxRecordPlaintext,
  type RecordKind,
  RecordReader,
  RecordWriter,
  recordOverhead,
} from '../src/records.ts';
import {
  asOpened,
  baseNonce,
  header,
  headerOf,
  key,
  nonceOf,
  openChunks,
  plain,
  sealRecord,
  sealRecords,
} from './support/messages.ts';
import { refusalCodeSync } from './support/refusal.ts';
import { toHex } from './support/vectors.ts';

const kinds: readonly RecordKind[] = ['more', 'final', 'trailers', 'padding'];

/** Reads headers only: the reader refuses a header before it waits for what the header announces. */
function readHeaders(...headers: Uint8Array[]): string {
  const reader = new RecordReader(baseNonce);
  for (const [i, each] of headers.entries()) {
    const last = i === headers.length - 1;
    const length = new DataView(each.buffer).getUint32(0) & 0x1_ffff;
    try {
      reader.push(each);
      reader.next();
      if (last) return 'taken';
      reader.push(new Uint8Array(length));
      if (reader.next() === undefined) throw new Error('a complete record was not handed out');
    } catch (error) {
      if (!last) throw error;
      assert.ok(reader.held <= 4, 'nothing is kept for a refused header but its four bytes');
      return refusalCodeSync(() => reader.next());
    }
  }
  throw new Error('no header');
}

const zero = headerOf('more', 1);

test('what a writer hands out makes the bytes of the protocol', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.constantFrom<RecordKind>('more', 'padding'),
          fc.uint8Array({ minLength: 1, maxLength: 50 }),
        ),
        { maxLength: 5 },
      ),
      fc.constantFrom<RecordKind>('final', 'trailers'),
      fc.uint8Array({ minLength: 12, maxLength: 12 }),
      (middle, last, base) => {
        const records = [
          plain('more', 'head'),
          ...middle.map(([kind, plaintext]) => plain(kind, plaintext)),
          plain(last, 'end'),
        ];
        const writer = new RecordWriter(base);
        const written = records.map(({ kind, plaintext }) => {
          const { header: aad, nonce } = writer.next(kind, plaintext.length);
          return concat(aad, ...aeadSeal(importAeadKey(key), nonce, aad, [plaintext]));
        });
        assert.is(toHex(concat(...written)), toHex(sealRecords(records, { key, baseNonce: base })));
      },
    ),
  );
});

test('a reader hands out what the protocol says the bytes are', () => {
  const records = [
    plain('more', 'head'),
    plain('padding', 30),
    plain('more', 'body'),
    plain('trailers', 'fields'),
  ];
  assert.equal(openChunks([sealRecords(records)]), {
    records: asOpened(records),
    complete: true,
    code: undefined,
  });
});

test('a record adds 20 bytes to its plaintext', () => {
  assert.is(recordOverhead, 20);
  assert.is(sealRecord(plain('final', 100), 0).length, 120);
});

test('the nonce of a record is the base nonce XOR the number of the record in 96 bits', () => {
  for (const base of [baseNonce, new Uint8Array(12), new Uint8Array(12).fill(0xff)]) {
    const writer = new RecordWriter(base);
    const seen = new Set<string>();
    for (let counter = 0; counter < 70_000; counter++) {
      const nonce = toHex(writer.next('more', 1).nonce);
      seen.add(nonce);
      if (counter < 3 || counter % 255 < 3 || counter > 65_530)
        assert.is(nonce, toHex(nonceOf(base, counter)));
    }
    assert.is(seen.size, 70_000);
  }
});

test('a message has at most 2^24 records, written or read', () => {
  const writer = new RecordWriter(baseNonce);
  for (let counter = 0; counter < 2 ** 24 - 1; counter++) writer.next('more', 1);
  assert.is(toHex(writer.next('more', 1).nonce), toHex(nonceOf(baseNonce, 2 ** 24 - 1)));
  assert.throws(
    () => writer.next('final', 1),
    (error: unknown) => error instanceof RangeError,
  );

  const reader = new RecordReader(baseNonce);
  const batch = 2 ** 12;
  const record = concat(headerOf('more', 1), new Uint8Array(17));
  const chunk = concat(...Array.from({ length: batch }, () => record));
  for (let pushed = 0; pushed < 2 ** 24; pushed += batch) {
    reader.push(chunk);
    while (reader.next() !== undefined);
  }
  reader.push(headerOf('final', 1));
  assert.is(
    refusalCodeSync(() => reader.next()),
    'rejected',
  );
});

test('ciphertext and tag have 16 to 65,552 bytes', () => {
  assert.is(maxRecordPlaintext, 65_536);
  for (const length of [16, 17, 65_551, 65_552]) {
    assert.is(readHeaders(header(0x8000_0000 + length)), 'taken', `final, ${length}`);
  }
  for (const length of [17, 65_552]) assert.is(readHeaders(header(length)), 'taken', `more, ${length}`);
  for (const length of [0, 1, 15, 65_553, 65_554, 0x1_ffff]) {
    assert.is(readHeaders(header(0x8000_0000 + length)), 'rejected', `final, ${length}`);
    assert.is(readHeaders(header(length)), 'rejected', `more, ${length}`);
    assert.is(readHeaders(zero, header(0x4000_0000 + length)), 'rejected', `padding, ${length}`);
  }
});

test('a record of the greatest length is opened, a writer makes none longer', () => {
  const records = [plain('more', 65_536), plain('final', 65_536)];
  assert.ok(openChunks([sealRecords(records)]).complete);
  const writer = new RecordWriter(baseNonce);
  writer.next('more', 65_536);
  assert.throws(
    () => writer.next('more', 65_537),
    (error: unknown) => error instanceof RangeError,
  );
});

test('bits 28 to 17 are zero', () => {
  for (const first of [0, 0x8000_0000]) {
    assert.is(readHeaders(header(first + 17)), 'taken');
    for (let bit = 17; bit <= 28; bit++)
      assert.is(readHeaders(header(first + 2 ** bit + 17)), 'rejected', `bit ${bit}`);
  }
});

test('of the bits 31, 30 and 29 only four combinations mean something', () => {
  const taken = [0b000, 0b100, 0b010, 0b101];
  for (let combination = 0; combination < 8; combination++) {
    const expected = taken.includes(combination) ? 'taken' : 'rejected';
    assert.is(readHeaders(zero, header(combination * 2 ** 29 + 17)), expected, combination.toString(2));
  }
});

test('record 0 is neither padding nor trailers', () => {
  for (const kind of kinds) {
    const first = kind === 'more' || kind === 'final';
    assert.is(readHeaders(headerOf(kind, 1)), first ? 'taken' : 'rejected', kind);
    assert.is(readHeaders(zero, headerOf(kind, 1)), 'taken', kind);
  }
});

test('an empty record is final or padding', () => {
  assert.is(readHeaders(zero, headerOf('final', 0)), 'taken');
  assert.is(readHeaders(zero, headerOf('padding', 0)), 'taken');
  assert.is(readHeaders(zero, headerOf('more', 0)), 'rejected');
  const records = [plain('more', 'head'), plain('padding', 0), plain('final', 0)];
  assert.equal(openChunks([sealRecords(records)]).records, asOpened(records));
});

test('at most 16 padding records stand in a row', () => {
  const run = (length: number) => Array.from({ length }, () => plain('padding', 2));
  const opens = (...records: ReturnType<typeof plain>[]) =>
    openChunks([sealRecords(records)]).code ?? 'complete';
  const [head, more, final] = [plain('more', 'head'), plain('more', 'body'), plain('final', '')];
  assert.is(opens(head, ...run(16), final), 'complete');
  assert.is(opens(head, ...run(17), final), 'rejected');
  assert.is(opens(head, ...run(16), more, ...run(16), final), 'complete');
  assert.is(opens(head, ...run(16), more, ...run(17), final), 'rejected');
});

test('a writer makes nothing after the final record', () => {
  for (const kind of ['final', 'trailers'] as const) {
    const writer = new RecordWriter(baseNonce);
    writer.next('more', 1);
    writer.next(kind, 1);
    for (const next of kinds) {
      assert.throws(
        () => writer.next(next, 1),
        (error: unknown) => error instanceof RangeError,
      );
    }
  }
});

test('a writer makes no record that a reader refuses', () => {
  const made = (...records: [RecordKind, number][]) => {
    const writer = new RecordWriter(baseNonce);
    try {
      for (const [kind, length] of records) writer.next(kind, length);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  };
  const padding = Array.from({ length: 16 }, (): [RecordKind, number] => ['padding', 1]);
  assert.ok(made(['more', 1], ...padding, ['final', 0]));
  assert.not.ok(made(['more', 0]), 'an empty record that is neither final nor padding');
  assert.not.ok(made(['padding', 1]), 'padding as record 0');
  assert.not.ok(made(['trailers', 1]), 'trailers as record 0');
  assert.not.ok(made(['more', 1], ...padding, ['padding', 1]), '17 padding records in a row');
});

test.run();
