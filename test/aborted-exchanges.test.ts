// A client that goes away at any other moment: the application sees what it sees of one in plain, in the same order.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { Caller } from './support/caller.ts';
import { it, sleep } from './support/cases.ts';
import { until, watch } from './support/left-behind.ts';
import { type Stack, stacks, startStack } from './support/stacks.ts';

const small = 100;
const large = 300_000;
/** So little that Node reads on by itself: else it would not notice that the client is gone, in plain neither. */
const unread = 20_000;

interface Moment {
  readonly size: number;
  /** Share of the message that is sent. */
  readonly sent: number;
  /** Answers in the end unless the client is gone. */
  handle(req: IncomingMessage, res: ServerResponse): void;
}

const moments: Record<string, Moment> = {
  'while it awaits the answer to a small body': { size: small, sent: 1, handle: (req) => void req.resume() },
  'while it awaits the answer to a large body': { size: large, sent: 1, handle: (req) => void req.resume() },
  'in the middle of an answer': {
    size: small,
    sent: 1,
    handle(req, res) {
      req.resume().on('end', () => res.write('begun'));
    },
  },
  'in the middle of a body that nobody reads': { size: unread, sent: 0.5, handle: () => {} },
  'in the middle of a body that is read': { size: large, sent: 0.5, handle: (req) => void req.resume() },
  'in the middle of a body that is answered': {
    size: large,
    sent: 0.5,
    handle(req, res) {
      req.resume();
      res.write('begun');
    },
  },
};

/** Events of request and response, in order, from the handler's first moment on. */
async function eventsOf(
  stack: Stack,
  { size, sent, handle }: Moment,
  what: 'call' | 'line',
  sealed: boolean,
) {
  const exchanges: { events: string[]; res: ServerResponse }[] = [];
  const server = await startStack(
    stack,
    {
      listener(req, res) {
        const events: string[] = [];
        exchanges.push({ events, res });
        for (const event of ['end', 'aborted', 'error', 'close'])
          req.on(event, () => events.push(`request ${event}`));
        for (const event of ['finish', 'error', 'close'])
          res.on(event, () => events.push(`response ${event}`));
        if (exchanges.length === 2) handle(req, res);
        else res.end('answered');
      },
    },
    { sealed },
  );
  const caller = await Caller.connect(stack, server, sealed);
  assert.is((await caller.ask({ body: 'first' })).body, 'answered');
  // The first record is there for sure.
  const { bytes, begin } = await caller.prepare({ body: pattern(size), shares: [10] });
  const call = await begin();
  await Promise.race([call.write(bytes.subarray(0, bytes.length * sent)), sleep(50)]);
  if (sent === 1) await call.end();
  await until(() => exchanges.length === 2, 'the handler begins');
  await sleep(50);
  if (what === 'call') call.abort();
  else caller.line.destroy();
  const { events, res } = exchanges[1] as (typeof exchanges)[number];
  await until(() => events.includes('response close'), 'the response closes');
  await sleep(20);
  // An answer that comes too late harms nobody.
  res.end('late');
  const seen = [...events];
  assert.is((await caller.ask({ body: 'next' })).body, 'answered');
  await caller.line.close();
  return { server, seen };
}

/** Over http2 Node ends the stream of a request that was aborted as if it were whole. Sealed, that is an error. */
function asSealed(plain: readonly string[]): string[] {
  const aborted = plain.indexOf('request aborted');
  return plain.map((event, i) =>
    event === 'request end' && i > aborted && aborted >= 0 ? 'request error' : event,
  );
}

for (const stack of stacks) {
  for (const [when, moment] of Object.entries(moments)) {
    it(`a client that goes away ${when} (${stack.name})`, () => isSeenAsInPlain(stack, moment, 'call'));
    if (stack.http2) {
      it(`a connection that is lost ${when} (${stack.name})`, () => isSeenAsInPlain(stack, moment, 'line'));
    }
  }
}

async function isSeenAsInPlain(stack: Stack, moment: Moment, what: 'call' | 'line'): Promise<void> {
  const nothingIsLeft = watch();
  const [sealed, plain] = await Promise.all([
    eventsOf(stack, moment, what, true),
    eventsOf(stack, moment, what, false),
  ]);
  assert.equal(sealed.seen, asSealed(plain.seen));
  await nothingIsLeft(sealed.server, plain.server);
}

test.run();
