// A client that goes away in the middle of its body, for everything that reads bodies: events and returns as in plain.
import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, sleep } from './support/cases.ts';
import { combinations, startConsuming } from './support/consuming-pair.ts';
import { until, watch } from './support/left-behind.ts';
import { uploadFolder } from './support/parser-consumers.ts';
import { type StackServer, stacks } from './support/stacks.ts';

const size = 300_000;

/** How the application saw an abort. */
interface Observed {
  readonly events: readonly string[];
  readonly returns: readonly string[];
}

interface Aborted {
  readonly server: StackServer;
  readonly observed: Observed;
}

async function abort(combination: (typeof combinations)[number], sealed: boolean): Promise<Aborted> {
  const { stack, consumer } = combination;
  const { server, caller, seen, returns, request, assertReads } = await startConsuming(stack, consumer, {
    sealed,
  });
  await assertReads(size);
  const before = returns.length;
  const { bytes, begin } = await caller.prepare(request(size));
  const call = await begin();
  await call.write(bytes.subarray(0, bytes.length / 2));
  await until(() => seen.length === 2, 'the application begins');
  const { req, events } = seen[1] as (typeof seen)[number];
  // What has arrived is read before the client goes.
  await sleep(30);
  call.abort();
  await until(() => events.includes('close') || req.destroyed, 'the request closes');
  // Over HTTP/1 multer 1 does not notice that its client is gone, in plain neither.
  const returned = stack.http2 || !consumer.name.startsWith('multer 1');
  if (returned) await until(() => returns.length > before, `${consumer.name} returns`);
  // Nothing more comes.
  await sleep(50);
  const observed = { events: [...events], returns: returns.slice(before) };
  await assertReads(size);
  await caller.line.close();
  return { server, observed };
}

/**
 * Over http2 Node ends the stream of a request that was aborted as if it were whole. Sealed, the end is an error: who
 * took that for the whole body, or for a wrong one, is told; everyone else sees and returns the same.
 */
function asSealed(plain: Observed, sealed: Observed): Observed {
  const returns = plain.returns.map((how, i) => {
    const told = sealed.returns[i]?.startsWith('SealwireError rejected:');
    return told && /^read$|Unexpected end of form/.test(how) ? (sealed.returns[i] as string) : how;
  });
  return { events: plain.events, returns };
}

const otherEvents = ({ events, returns }: Observed): Observed => ({
  events: events.filter((event) => event !== 'end' && event !== 'error'),
  returns,
});

for (const stack of stacks) {
  it(`a client that goes away is seen as in plain (${stack.name})`, async () => {
    const nothingIsLeft = watch();
    const mine = combinations.filter((combination) => combination.stack === stack);
    const ends: Aborted[][] = [];
    const files: number[] = [];
    for (const sealed of [true, false]) {
      const before = readdirSync(uploadFolder).length;
      const all = await Promise.all(mine.map((combination) => abort(combination, sealed)));
      await nothingIsLeft(...all.map(({ server }) => server));
      ends.push(all);
      files.push(readdirSync(uploadFolder).length - before);
    }
    for (const [i, { consumer }] of mine.entries()) {
      const [sealed, plain] = ends.map((all) => (all[i] as Aborted).observed) as [Observed, Observed];
      if (!stack.http2) assert.equal(sealed, plain, consumer.name);
      else assert.equal(otherEvents(sealed), otherEvents(asSealed(plain, sealed)), consumer.name);
      // What echoes has begun its answer, and says so.
      if (!consumer.echoes) assert.not.ok(sealed.returns.includes('read'), consumer.name);
    }
    // Of files that were begun, what is removed in plain is removed.
    assert.is(files[0], files[1]);
  });
}

test.run();
