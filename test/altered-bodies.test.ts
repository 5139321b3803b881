// One bit of a body is changed on the way, for everything that reads bodies, on every server.
import { problemType } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped } from './support/bytes.ts';
import { it } from './support/cases.ts';
import { assertFailed, combinations, onConsumers, startConsuming } from './support/consuming-pair.ts';

const small = 100;
const large = 1_500_000;

onConsumers('an altered body is complete for nobody', async ({ caller, seen, request, assertReads }) => {
  for (const size of [small, large]) await assertReads(size);
  const before = seen.length;

  // Record 0 carries the head: whoever changes it is told so in the open, and no handler runs.
  for (const size of [small, large]) {
    const { send, bytes } = await caller.prepare(request(size));
    const refused = await send(flipped(bytes, 8 * 40));
    assert.equal([refused.status, refused.sealed, refused.complete], [400, false, true]);
    assert.equal([refused.headers['content-type'], refused.headers['sealwire']], [problemType, 'rejected']);
  }

  // A small body is held until it is known to be genuine.
  const { send, bytes } = await caller.prepare(request(small, [30, 30]));
  const refused = await send(flipped(bytes, 8 * (bytes.length - 3)));
  assert.equal([refused.status, refused.sealed, refused.complete], [400, true, true]);
  assert.is(refused.headers['sealwire'], 'rejected');
  assert.is(seen.length, before);

  // A large one has begun by then.
  const streamed = await caller.prepare(request(large));
  const record = streamed.edges.at(-4) as number;
  assertFailed(await streamed.send(flipped(streamed.bytes, 8 * (record + 100))), 'altered late');
  assert.is(seen.length, before + 1);

  await assertReads(small);
});

for (const { stack, consumer, name } of combinations) {
  if (!stack.http2 || consumer.echoes !== true) continue;
  it(`an answer under way is reset, so that its client stops sending: ${name}`, async () => {
    const { caller, request, assertReads } = await startConsuming(stack, consumer);
    await assertReads(large);
    const { bytes, edges, begin } = await caller.prepare(request(large));
    const call = await begin();
    // The client is still sending when the server comes upon the altered record.
    await call.write(flipped(bytes, 8 * (edges.at(-4) as number)));
    const { status, complete } = await call.answer;
    assert.equal([status, complete], [200, false]);
    await caller.line.close();
  });
}

test.run();
