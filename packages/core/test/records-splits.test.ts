import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Frame, type RecordKind, RecordReader } from '../src/records.ts';
import { asOpened, baseNonce, headerOf, openChunks, plain, sealRecords } from './support/messages.ts';

/** Chunks of the given lengths, in turn, each in memory of its own. */
function* split(message: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < message.length; turn++) {
    const length = lengths[turn % lengths.length] as number;
    yield message.slice(at, at + length);
    at += length;
  }
}

const someRecords = fc
  .tuple(
    fc.uint8Array({ minLength: 1, maxLength: 3000 }),
    fc.array(
      fc.tuple(
        fc.constantFrom<RecordKind>('more', 'padding'),
        fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      ),
      {
        maxLength: 4,
      },
    ),
    fc.constantFrom<RecordKind>('final', 'trailers'),
    fc.uint8Array({ maxLength: 3000 }),
  )
  .map(([head, middle, last, end]) => [
    plain('more', head),
    ...middle.map(([kind, plaintext]) => plain(kind, plaintext)),
    plain(last, end),
  ]);

/** Chunks of nothing are among them: a stream may give those, too. */
const someLengths = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5000 })), {
    minLength: 1,
    maxLength: 12,
  })
  .filter((lengths) => lengths.some((length) => length > 0));

test('any split of the bytes over reads gives the same records', () => {
  fc.assert(
    fc.property(someRecords, someLengths, (records, lengths) => {
      const message = sealRecords(records);
      assert.equal(openChunks(split(message, lengths)), {
        records: asOpened(records),
        complete: true,
        code: undefined,
      });
    }),
    { numRuns: 300 },
  );
});

test('any split of a damaged message gives the same refusal', () => {
  fc.assert(
    fc.property(someRecords, someLengths, fc.nat(), fc.boolean(), (records, lengths, where, cut) => {
      const message = sealRecords(records);
      const at = where % message.length;
      const changed = message.slice(0, cut ? at : message.length);
      if (!cut) changed[at] = (changed[at] as number) ^ 0x10;
      const atOnce = openChunks([changed]);
      assert.not.ok(atOnce.complete);
      assert.equal(openChunks(split(changed, lengths)), atOnce);
    }),
    { numRuns: 300 },
  );
});

test('a final record cut in two at any byte is opened', () => {
  const records = [plain('more', 'head'), plain('final', 'end')];
  const message = sealRecords(records);
  for (let at = 0; at <= message.length; at++) {
    const opened = openChunks([message.subarray(0, at), message.subarray(at)]);
    assert.equal(opened, { records: asOpened(records), complete: true, code: undefined });
  }
});

test('bytes that arrived one by one are put together', () => {
  const records = [plain('more', 20_000), plain('padding', 9000), plain('final', 1500)];
  assert.ok(openChunks(split(sealRecords(records), [1])).complete);
});

test('a chunk with many records gives them all', () => {
  const records = [...Array.from({ length: 1000 }, () => plain('more', 'x')), plain('final', '')];
  assert.is(openChunks([sealRecords(records)]).records.length, 1001);
});

const recordLength = 65_536;

/** What a record of full size keeps alive while it arrives in such pieces, in bytes, at most. */
function mostHeld(lengths: readonly number[]): number {
  const reader = new RecordReader(baseNonce);
  reader.push(headerOf('final', recordLength));
  let frame: Frame | undefined = reader.next();
  for (const chunk of split(new Uint8Array(recordLength + 16), lengths)) {
    assert.is(frame, undefined);
    reader.push(chunk);
    frame = reader.next();
  }
  if (frame === undefined) throw new Error('the record is not complete');
  let length = 0;
  for (const part of frame.parts) length += part.length;
  assert.is(length, recordLength);
  const buffers = new Set<ArrayBufferLike>(frame.parts.map((part) => part.buffer));
  let size = 0;
  for (const buffer of buffers) size += buffer.byteLength;
  return size;
}

test('a record holds at most twice its size, whatever pieces it arrives in', () => {
  assert.is(mostHeld([recordLength + 16]), recordLength + 16);
  for (const lengths of [
    [1],
    [7],
    [100],
    [511],
    [1023],
    [1024],
    [1025],
    [16_384],
    [1, 1023],
    [1, 8191],
    [1, 1024],
  ]) {
    const held = mostHeld(lengths);
    assert.ok(held <= 2 * recordLength, `${held} bytes for pieces of ${lengths.join(' and ')}`);
  }
});

test('what is held is told while a record arrives, and nothing is held between records', () => {
  const message = sealRecords([plain('more', 3000), plain('final', 10)]);
  const reader = new RecordReader(baseNonce);
  for (const [i, byte] of message.entries()) {
    reader.push(Uint8Array.of(byte));
    const frame = reader.next();
    const complete = i === 3019 || i === message.length - 1;
    assert.is(frame !== undefined, complete, `byte ${i}`);
    assert.is(reader.held, complete ? 0 : i < 3019 ? i + 1 : i - 3019);
  }
});

test('a byte does not keep the read buffer alive in which it came', () => {
  const reader = new RecordReader(baseNonce);
  reader.push(headerOf('more', 1000));
  assert.is(reader.next(), undefined);
  const readBuffer = new Uint8Array(65_536);
  for (let i = 0; i < 999; i++) {
    reader.push(readBuffer.subarray(i, i + 1));
    assert.is(reader.next(), undefined);
  }
  reader.push(new Uint8Array(17));
  for (const part of reader.next()?.parts ?? []) assert.is.not(part.buffer, readBuffer.buffer);
});

test.run();
