// Events are read the same, however the network cuts the stream.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { readEvents } from '../page/event-stream.js';

/** A response that comes in pieces of so many bytes. */
function inPieces(text: string, size: number): Response {
  const bytes = new TextEncoder().encode(text);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let start = 0; start < bytes.length; start += size) pieces.push(bytes.slice(start, start + size));
  return new Response(
    new ReadableStream({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
    }),
  );
}

async function eventsOf(text: string, size: number) {
  const events: { type: string; data: string }[] = [];
  for await (const event of readEvents(inPieces(text, size))) events.push(event);
  return events;
}

const stream = [
  ': a comment',
  'event: created',
  'data: {"text":"tea — 茶 🔒: hot"}',
  '',
  'data:without a blank',
  'data: second line',
  'data',
  'retry: 10',
  '',
  'event: nothing to tell',
  '',
  'data: cut off before its end',
];

it('names, several lines of data, comments and what is cut off, at every length of a piece', async () => {
  for (const end of ['\n', '\r\n', '\r']) {
    const text = stream.join(end);
    for (let size = 1; size <= 40; size++) {
      assert.equal(await eventsOf(text, size), [
        { type: 'created', data: '{"text":"tea — 茶 🔒: hot"}' },
        { type: 'message', data: 'without a blank\nsecond line\n' },
      ]);
    }
  }
});

it('whoever leaves a stream ends it', async () => {
  let cancelled = false;
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode('data: again\n\n')),
    cancel() {
      cancelled = true;
    },
  });
  for await (const { data } of readEvents(new Response(body))) {
    assert.is(data, 'again');
    break;
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(cancelled);
});

test.run();
