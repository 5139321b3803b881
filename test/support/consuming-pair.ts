import { MemorySessionStore, type SessionStore } from '@sealwire/core';
import type { Context } from 'koa';
import * as assert from 'uvu/assert';
import { type Asked, Caller, type Learned } from './caller.ts';
import { it } from './cases.ts';
import type { Consumer } from './consumer.ts';
import { consumers, consumingApp, type Report, type SeenExchange } from './consuming-app.ts';
import { watch } from './left-behind.ts';
import { type RequestBody, requestBody } from './request-bodies.ts';
import { type Stack, type StackServer, stacks, startStack } from './stacks.ts';
import { SlowStore } from './stores.ts';

/** Everything that reads bodies, on every stack that it is made for. */
export const combinations: readonly { stack: Stack; consumer: Consumer; name: string }[] = stacks.flatMap(
  (stack) =>
    consumers
      .filter(({ kind, leaves }) => leaves !== 'every body' && (kind !== 'koa' || stack.kind === 'koa'))
      .map((consumer) => ({ stack, consumer, name: `${consumer.name}, ${stack.name}` })),
);

/** A consumer as the only handler of a server, and a client that asks it. */
export interface ConsumingPair {
  readonly server: StackServer;
  readonly caller: Caller;
  /** What reached the application, in order. */
  readonly seen: readonly SeenExchange[];
  /** How consumers returned, in order: what they threw, or that they had read all. */
  readonly returns: readonly string[];
  /** A body of about this size that the consumer is made to read. */
  request(size: number, shares?: readonly number[]): Asked;
  /** Asserts that a genuine request is read, on the connection of the one before if that is still there. */
  assertReads(size: number): Promise<void>;
}

export async function startConsuming(
  stack: Stack,
  consumer: Consumer,
  { sealed = true, ...options }: { sealed?: boolean; store?: SessionStore } = {},
): Promise<ConsumingPair> {
  const seen: SeenExchange[] = [];
  const returns: string[] = [];
  const app = consumingApp(
    returning(consumer, (how) => returns.push(how)),
    (exchange) => seen.push(exchange),
  );
  const server = await startStack(stack, app, { sealed, ...options });
  const caller = await Caller.connect(stack, server, sealed);
  const request = (size: number, shares?: readonly number[]): Asked => {
    const { type, bytes } = bodyOf(consumer, size);
    return { fields: [['content-type', type]], body: bytes, ...(shares && { shares }) };
  };
  return {
    server,
    caller,
    seen,
    returns,
    request,
    async assertReads(size) {
      const learned = await caller.ask(request(size));
      assert.equal([learned.status, learned.complete], [200, true], learned.body.slice(0, 300));
      if (consumer.echoes) assert.is(learned.body, bodyOf(consumer, size).bytes.toString('latin1'));
      else assert.ok('read' in (JSON.parse(learned.body) as Report), learned.body);
    },
  };
}

/**
 * Registers a test for everything that reads bodies, on every stack, with a store that answers at once and one that does
 * not; of none is anything left.
 */
export function onConsumers(name: string, run: (pair: ConsumingPair) => Promise<void>): void {
  for (const { stack, consumer, name: which } of combinations) {
    it(`${name}: ${which}`, async () => {
      const nothingIsLeft = watch();
      const servers: StackServer[] = [];
      for (const store of [new MemorySessionStore(), new SlowStore(new MemorySessionStore())]) {
        const pair = await startConsuming(stack, consumer, { store });
        await run(pair);
        await pair.caller.line.close();
        servers.push(pair.server);
      }
      await nothingIsLeft(...servers);
    });
  }
}

/** The same consumer, which says how it returns. */
function returning(consumer: Consumer, note: (how: string) => void): Consumer {
  const noted = (reading: Promise<unknown>) => {
    reading.then(
      () => note('read'),
      (error) => note(`${error.name} ${error.code}: ${error.message}`),
    );
    return reading;
  };
  switch (consumer.kind) {
    case 'any':
      return { ...consumer, read: (req, res) => noted(consumer.read(req, res)) };
    case 'koa':
      return { ...consumer, read: (ctx: Context) => noted(consumer.read(ctx)) };
    case 'express':
      return {
        ...consumer,
        middleware(express) {
          const middleware = consumer.middleware(express);
          return (req, res, next) => {
            const reading = new Promise<void>((resolve, reject) => {
              middleware(req, res, (error) => (error === undefined ? resolve() : reject(error)));
            });
            noted(reading).then(() => next(), next);
          };
        },
      };
  }
}

const bodies = new Map<string, RequestBody>();

function bodyOf({ body: kind }: Consumer, size: number): RequestBody {
  const key = `${kind} ${size}`;
  const body = bodies.get(key) ?? requestBody(kind, size);
  bodies.set(key, body);
  return body;
}

/**
 * Asserts that a body that is not whole was complete for nobody: the client has a 4xx, an answer that it knows to be
 * cut short, or the error that the consumer got from its stream.
 */
export function assertFailed({ status, body, complete }: Learned, what: string): void {
  if (!complete || ((status as number) >= 400 && (status as number) < 500)) return;
  assert.is(status, 500, `${what}: ${body.slice(0, 300)}`);
  const { error, read } = JSON.parse(body) as Report;
  assert.ok(error !== undefined && read === undefined, `${what}: ${body.slice(0, 300)}`);
}
