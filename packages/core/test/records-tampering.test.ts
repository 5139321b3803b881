import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rejected, SealwireError } from '../src/errors.ts';
import { RecordReader } from '../src/records.ts';
import {
  asOpened,
  baseNonce,
  headerOf,
  key,
  type Opened,
  openChunks,
  plain,
  requestKeys,
  sealRecord,
  sealRecords,
} from './support/messages.ts';
import { refusal, refusalCodeSync } from './support/refusal.ts';

const records = [
  plain('more', 'the head and some body'),
  plain('padding', 7),
  plain('more', 'more body'),
  plain('final', 'the end'),
];
const message = sealRecords(records);
const whole: Opened = { records: asOpened(records), complete: true, code: undefined };

/** Whatever happened to a message: it is not complete, and what was opened is a true beginning of it. */
function assertRefused(opened: Opened, code: string | undefined, about: string): void {
  assert.not.ok(opened.complete, about);
  if (code !== undefined) assert.is(opened.code, code, about);
  assert.ok(opened.records.length < records.length, about);
  assert.equal(opened.records, whole.records.slice(0, opened.records.length), about);
}

test('a message that nobody touched is opened', () => {
  assert.equal(openChunks([message]), whole);
});

test('a truncated message is never taken as complete, wherever it was cut', () => {
  for (let end = 0; end < message.length; end++) {
    const cut = openChunks([message.subarray(0, end)]);
    assertRefused(cut, 'truncated', `cut after ${end} bytes`);
  }
});

test('a message that ends with a whole record but not the final one is truncated', () => {
  for (let count = 0; count < records.length; count++) {
    const cut = openChunks([sealRecords(records.slice(0, count))]);
    assertRefused(cut, 'truncated', `${count} records`);
    assert.is(cut.records.length, count);
  }
});

test('any flipped bit of a record is refused before its plaintext is handed out', () => {
  for (let bit = 0; bit < message.length * 8; bit++) {
    const changed = message.slice();
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    assertRefused(openChunks([changed]), undefined, `bit ${bit}`);
  }
});

test('any flipped bit of a sealed message is refused, its nonce included', () => {
  const master = new Uint8Array(64).fill(7);
  const nonce = new Uint8Array(32).fill(9);
  const sealed = sealRecords(records, requestKeys(master, 5, nonce));
  const bytes = new Uint8Array(Buffer.concat([nonce, sealed]));
  const open = (given: Uint8Array, n = 5) =>
    openChunks([given.subarray(32)], requestKeys(master, n, given.subarray(0, 32)));
  assert.equal(open(bytes), whole);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    const opened = open(changed);
    assertRefused(opened, undefined, `bit ${bit}`);
    if (bit < 256) assert.is(opened.code, 'rejected');
  }
  // Under the keys of another exchange, or of a response, nothing opens at all.
  assert.equal(open(bytes, 6), { records: [], complete: false, code: 'rejected' });
  const asResponse = openChunks([sealed], requestKeys(master, 5, nonce, nonce));
  assert.equal(asResponse, { records: [], complete: false, code: 'rejected' });
});

test('records that are swapped, left out or repeated are refused', () => {
  const sealed = records.map((record, counter) => sealRecord(record, counter));
  const orders = [
    [1, 0, 2, 3],
    [0, 2, 1, 3],
    [0, 1, 3],
    [0, 1, 1, 2, 3],
    [0, 0, 1, 2, 3],
    [1, 2, 3],
    [3],
    [0, 3],
  ];
  assert.equal(openChunks([0, 1, 2, 3].map((i) => sealed[i] as Uint8Array)), whole);
  for (const order of orders) {
    const opened = openChunks(order.map((i) => sealed[i] as Uint8Array));
    assertRefused(opened, 'rejected', order.join());
  }
});

test('the beginning of one message does not continue with the rest of another', () => {
  const other = { key, baseNonce: baseNonce.map((byte) => byte ^ 0x55) };
  const rest = [2, 3].map((counter) =>
    sealRecord(records[counter] as (typeof records)[number], counter, other),
  );
  assertRefused(openChunks([sealRecords(records.slice(0, 2)), ...rest]), 'rejected', 'spliced');
});

test('nothing follows the final record', () => {
  const more = [Uint8Array.of(0), headerOf('final', 1), sealRecord(plain('final', 'again'), records.length)];
  for (const last of ['final', 'trailers'] as const) {
    const ended = sealRecords([plain('more', 'head'), plain(last, 'end')]);
    assert.ok(openChunks([ended]).complete);
    assert.ok(openChunks([ended, new Uint8Array(), new Uint8Array()]).complete);
    for (const tail of more) {
      for (const chunks of [[ended, tail], [new Uint8Array(Buffer.concat([ended, tail]))]]) {
        const { complete, code } = openChunks(chunks);
        assert.not.ok(complete);
        assert.is(code, 'rejected');
      }
    }
  }
});

test('a reader is done once the final record was handed out, not before', () => {
  const reader = new RecordReader(baseNonce);
  assert.not.ok(reader.done);
  reader.push(message.subarray(0, -1));
  for (let i = 0; i < 3; i++) reader.next();
  assert.is(reader.next(), undefined);
  assert.not.ok(reader.done);
  reader.push(message.subarray(-1));
  assert.is(reader.next()?.kind, 'final');
  assert.ok(reader.done);
  assert.is(reader.next(), undefined);
  reader.end();
});

test('after one refusal nothing of a message is opened any more', async () => {
  for (const spoil of [
    (reader: RecordReader) => {
      reader.push(headerOf('more', 0));
      assert.is(
        refusalCodeSync(() => reader.next()),
        'rejected',
      );
    },
    (reader: RecordReader) =>
      assert.is(
        refusalCodeSync(() => reader.end()),
        'truncated',
      ),
    (reader: RecordReader) => assert.ok(reader.poison(rejected())),
  ]) {
    const reader = new RecordReader(baseNonce);
    reader.push(message.subarray(0, 42));
    assert.is(reader.next()?.kind, 'more');
    assert.is(reader.next(), undefined);
    spoil(reader);
    assert.is(reader.held < 32, true, 'what was held is let go');
    const first = await refusal(() => reader.next());
    reader.push(message.subarray(42));
    assert.is(await refusal(() => reader.next()), first);
    assert.is(await refusal(() => reader.end()), first);
    assert.is(reader.poison(new SealwireError('truncated')), first, 'the first failure stays');
    assert.not.ok(reader.done);
  }
});

test.run();
