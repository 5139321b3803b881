import type { EventEmitter } from 'node:events';
import { MemorySessionStore, type SessionStore } from '@sealwire/core';
import * as assert from 'uvu/assert';
import { it, unhandledRejections, within } from './cases.ts';
import { recordResult } from './compatibility.ts';
import type { Consumer } from './consumer.ts';
import { consumers, consumingApp, type Report, type SeenExchange } from './consuming-app.ts';
import { digestOf } from './digests.ts';
import { gatewayStacks, startGateway } from './gateways.ts';
import { askOver, type Line, openLine, sendOver } from './lines.ts';
import { type BodyKind, type RequestBody, requestBody } from './request-bodies.ts';
import { type Stack, type StackServer, stacks, startStack } from './stacks.ts';
import { SlowStore } from './stores.ts';
import { WireClient } from './wire-client.ts';
import { fieldOf } from './wire-message.ts';

/** One way to send a request. */
interface Sending {
  readonly name: string;
  readonly size: number;
  readonly slices: number;
  readonly framing: 'length' | 'chunked';
}

const sendings: readonly Sending[] = (['length', 'chunked'] as const).flatMap((framing) => [
  { name: `40 bytes, ${framing}`, size: 40, slices: 1, framing },
  { name: `1.5 MB in 37 slices, ${framing}`, size: 1_500_000, slices: 37, framing },
]);

const sessionStores: readonly { name: string; make: () => SessionStore }[] = [
  { name: 'synchronous store', make: () => new MemorySessionStore() },
  { name: 'asynchronous store', make: () => new SlowStore(new MemorySessionStore()) },
];

/** How requests come to be sealed: by a client made by hand, or by a gateway that a plain client calls. */
type SealedWay = 'sealed' | 'gateway';

/** Listeners of an emitter, counted. */
type Listeners = Record<string, number>;

/** What is to be the same with and without Sealwire. */
interface Outcome {
  readonly status: number;
  readonly type: string | undefined;
  /** What the consumer reported; for one that answers with the body itself, its digest. */
  readonly answer: unknown;
  /** What there is to see of the exchange once it is over. */
  readonly after: {
    readonly events: readonly string[];
    readonly complete: boolean;
    readonly req: Listeners;
    readonly res: Listeners;
    readonly socket: Listeners;
    /** Of http2. */
    readonly stream: Listeners | undefined;
  };
}

/** Registers a test for every consumer that there is for a stack: sealed requests are to it as plain ones. */
export function testRequests(name: string): void {
  const stack = stacks.find((each) => each.name === name);
  if (stack === undefined) throw new Error(`there is no stack ${name}`);
  for (const consumer of consumersOn(stack)) {
    it(`${consumer.name} takes sealed requests as plain ones (${name})`, () =>
      compare(stack, consumer, 'sealed', (same) =>
        recordResult('requests', consumer.name, stack.name, same),
      ));
  }
}

/** Registers the same tests for a plain client that calls a sealing gateway. */
export function testRequestsThroughGateway(): void {
  for (const stack of gatewayStacks) {
    for (const consumer of consumersOn(stack)) {
      it(`${consumer.name} takes what a gateway sealed as plain requests (${stack.name})`, () =>
        compare(stack, consumer, 'gateway'));
    }
  }
}

function consumersOn({ kind }: Stack): readonly Consumer[] {
  return consumers.filter((consumer) => consumer.kind !== 'koa' || kind === 'koa');
}

/** Compares what comes to a server that way with what comes to it in plain; `tell` gets every result. */
async function compare(
  stack: Stack,
  consumer: Consumer,
  way: SealedWay,
  tell: (same: boolean) => void = () => {},
): Promise<void> {
  const rejections = unhandledRejections();
  const expected = await outcomes(stack, consumer);
  checkPlain(stack, consumer, expected);
  const differences: string[] = [];
  for (const { name: storeName, make } of sessionStores) {
    const actual = await outcomes(stack, consumer, { way, store: make() }).catch((error: Error) => error);
    for (const [index, sending] of sendings.entries()) {
      const unread = leavesUnread(stack, consumer, sending);
      const plain = expected[index] as Outcome;
      const difference =
        actual instanceof Error ? actual.stack : differenceOf(actual[index] as Outcome, plain, unread);
      tell(difference === undefined);
      if (difference !== undefined) differences.push(`${sending.name}, ${storeName}: ${difference}`);
    }
  }
  assert.is(differences.join('\n'), '');
  assert.equal(rejections, []);
}

/** True for what a consumer does not read in plain either. */
function leavesUnread({ http2 }: Stack, { leaves }: Consumer, { framing }: Sending): boolean {
  return leaves === 'every body' || (leaves !== undefined && http2 && framing === 'chunked');
}

/** What is compared with has to be what the consumer is for: it reads the whole body whatever way it comes, but for those. */
function checkPlain(stack: Stack, consumer: Consumer, plain: readonly Outcome[]): void {
  for (const [index, sending] of sendings.entries()) {
    const answer = JSON.stringify(plain[index]?.answer);
    const reads = answer.includes(bodyOf(consumer.body, sending.size).sha256);
    assert.is(reads, !leavesUnread(stack, consumer, sending), `${sending.name}: ${answer}`);
  }
}

/** Sends everything over one connection, to a server that is behind Sealwire if a way is given. */
async function outcomes(
  stack: Stack,
  consumer: Consumer,
  sealed?: { way: SealedWay; store: SessionStore },
): Promise<Outcome[]> {
  const exchanges: SeenExchange[] = [];
  const app = consumingApp(consumer, (exchange) => exchanges.push(exchange));
  const server = await startStack(
    stack,
    app,
    sealed === undefined ? { sealed: false } : { store: sealed.store },
  );
  const called = sealed?.way === 'gateway' ? await startGateway({ origin: server.origin }) : server;
  const line = await openLine(called, stack.http2);
  const wire =
    sealed?.way === 'sealed' ? await WireClient.connect(server, undefined, askOver(line)) : undefined;
  const all: Outcome[] = [];
  for (const sending of sendings) {
    const answer = await ask(line, wire, consumer, sending);
    const exchange = exchanges.at(-1) as SeenExchange;
    all.push({ ...answer, after: await settled(exchange, server) });
  }
  // The connection is as good as new.
  const again = await ask(line, wire, consumer, sendings[0] as Sending);
  assert.is(again.status, all[0]?.status);
  assert.is(server.sockets.size, 1);
  await server.close();
  return all;
}

/** Sends one request, sealed if there is a client for that. */
async function ask(
  line: Line,
  wire: WireClient | undefined,
  consumer: Consumer,
  { size, slices, framing }: Sending,
): Promise<Omit<Outcome, 'after'>> {
  const { type, bytes } = bodyOf(consumer.body, size);
  const content: [string, string][] = [['content-type', type]];
  if (wire === undefined) {
    const request = { method: 'POST', path: '/', fields: content, body: bytes, slices, framing };
    const { status, headers, body } = await sendOver(line, request);
    return { status, type: headers['content-type'], answer: answerOf(consumer, body) };
  }
  const length = framing === 'chunked' ? { length: false as const } : {};
  const message = await wire.seal({ body: bytes, fields: content, ...length });
  const { method, path, message: sealed } = message;
  const request = { method, path, fields: wire.headersOf(message), body: sealed, slices, framing };
  const opened = await wire.open(message, await sendOver(line, request));
  assert.ok(opened.complete, 'the response has its final record');
  return {
    status: opened.status,
    type: fieldOf(opened, 'content-type'),
    answer: answerOf(consumer, opened.body),
  };
}

function answerOf({ echoes }: Consumer, body: Buffer): unknown {
  return echoes ? digestOf(body) : (JSON.parse(body.toString()) as Report);
}

/** How an exchange looks once nothing happens any more. */
async function settled(
  { req, res, events, closed }: SeenExchange,
  server: StackServer,
): Promise<Outcome['after']> {
  await within(closed, 'the end of the response');
  await new Promise((resolve) => setImmediate(resolve));
  const [socket] = server.sockets;
  const { stream } = req as { stream?: EventEmitter };
  return {
    events,
    complete: req.complete,
    req: listenersOf(req),
    res: listenersOf(res),
    socket: listenersOf(socket as EventEmitter),
    stream: stream && listenersOf(stream),
  };
}

/**
 * Listeners for `data` count only where they are more than in plain: of a body that was there before the application
 * was, as it is after an asynchronous look-up, Node removes them itself when the response ends.
 */
function withoutDumped(sealed: Outcome, plain: Outcome): Outcome {
  const { data = 0 } = plain.after.req;
  const { data: kept = 0, ...req } = sealed.after.req;
  return kept > data
    ? sealed
    : { ...sealed, after: { ...sealed.after, req: data > 0 ? { data, ...req } : req } };
}

/**
 * When a body that nobody reads comes to its end depends on when it arrived, not on the consumer; and where Sealwire
 * read it, Node's own listeners stay at the closed stream of http2, as for everybody who reads.
 */
function withoutRest({ answer, after, ...head }: Outcome): Outcome {
  const { complete: _, events: __, ...report } = answer as Report;
  return { ...head, answer: report, after: { ...after, events: after.events.toSorted(), stream: undefined } };
}

function listenersOf(emitter: EventEmitter): Listeners {
  const names = emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)] as const);
  return Object.fromEntries(names.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Where the two differ, or undefined. */
function differenceOf(sealed: Outcome, plain: Outcome, unread: boolean): string | undefined {
  const [actual, expected] = unread ? [withoutRest(sealed), withoutRest(plain)] : [sealed, plain];
  try {
    assert.equal(withoutDumped(actual, expected), expected);
    return undefined;
  } catch (error) {
    return `${(error as Error).message} ${(error as { details?: string }).details ?? ''}`;
  }
}

const bodies = new Map<string, RequestBody>();

/** Bodies are made once. */
function bodyOf(kind: BodyKind, size: number): RequestBody {
  const key = `${kind} ${size}`;
  const known = bodies.get(key) ?? requestBody(kind, size);
  bodies.set(key, known);
  return known;
}
