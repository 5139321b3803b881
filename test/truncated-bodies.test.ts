// A body whose last records are missing, though its framing is whole, for everything that reads bodies, on every server.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertFailed, onConsumers } from './support/consuming-pair.ts';

const small = 100;
const large = 300_000;

onConsumers('a truncated body is complete for nobody', async ({ caller, seen, request, assertReads }) => {
  for (const size of [small, large]) await assertReads(size);
  const before = seen.length;

  // A small body is held until its final record is there.
  const short = await caller.prepare(request(small, [30, 30]));
  const refused = await short.send(short.bytes.subarray(0, short.edges.at(-2)));
  assert.equal([refused.status, refused.sealed, refused.complete], [400, true, true]);
  assert.is(refused.headers['sealwire'], 'rejected');
  assert.is(seen.length, before);

  // A large one has begun by then. It ends where its outer length says, or without one.
  for (const length of [undefined, null]) {
    for (const inside of [false, true]) {
      const { bytes, edges, send } = await caller.prepare(request(large));
      const cut = bytes.subarray(0, inside ? bytes.length - 1 : edges.at(-2));
      assertFailed(await send(cut, length), `cut at ${cut.length} of ${bytes.length}`);
    }
  }
  assert.is(seen.length, before + 4);

  await assertReads(small);
});

test.run();
