// A body that the application leaves unread does not stand in the way of the connection's next request: also where plain
// Node would let it, over HTTP/1 behind a body that was read in part.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'koa';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { Caller } from './support/caller.ts';
import { it, sleep, within } from './support/cases.ts';
import { watch } from './support/left-behind.ts';
import { type Stack, type StackApp, type StackServer, stacks, startStack } from './support/stacks.ts';

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

const handlers: Record<string, Handler> = {
  'answers at once': (_req, res) => void res.end('answered'),
  'answers later': (_req, res) => void setTimeout(() => res.end('answered'), 30),
  'answers after the first bytes': (req, res) => {
    req.once('data', () => {
      req.pause();
      res.end('answered');
    });
  },
  'leaves its loop early': async (req, res) => {
    for await (const _ of req) break;
    res.end('answered');
  },
  'refuses what is too long': (req, res) => {
    req.on('data', () => {
      req.pause();
      req.removeAllListeners('data');
      if (!res.headersSent) res.writeHead(413, { 'content-length': 8 }).end('answered');
    });
  },
};

/** The same in the words of each framework, where it has some. */
const apps: Record<string, StackApp> = {
  ...Object.fromEntries(Object.entries(handlers).map(([name, listener]) => [name, { listener }])),
  'answers in the words of its framework': {
    express: (app) => void app.use((_req, res) => void res.send('answered')),
    koa: (app) =>
      void app.use((ctx: Context) => {
        ctx.body = 'answered';
      }),
    listener: (_req, res) => void res.end('answered'),
  },
};

const sizes = [40, 1_500_000];

/** Sends a body, whole or half of it before the answer and half behind, and then a request on the same connection. */
async function exchangeTwice(stack: Stack, app: StackApp, size: number, half: boolean) {
  const server = await startStack(stack, app);
  const caller = await Caller.connect(stack, server);
  const { line } = caller;
  for (let round = 0; round < 2; round++) {
    const { bytes, edges, begin, learn } = await caller.prepare({ body: pattern(size), shares: [10] });
    const call = await begin();
    // Nothing happens before the first record is there.
    const middle = half ? Math.max(bytes.length >> 1, edges[1] ?? 0) : bytes.length;
    // What the server does not take for now waits in the sockets.
    const sending = call.write(bytes.subarray(0, middle));
    const { status, body, complete } = await learn(await call.answer);
    assert.ok(status === 200 || status === 413, String(status));
    assert.equal([body, complete], ['answered', true]);
    const rest = sending.then(() => call.write(bytes.subarray(middle))).then(() => call.end());
    // Over http2 the next one does not have to wait for it.
    if (stack.http2) await Promise.race([rest, sleep(20)]);
    else await within(rest, 'the server takes the rest of the body');
    const next = await caller.ask({ body: 'the next' });
    assert.equal([next.body, next.complete], ['answered', true]);
    call.leave();
  }
  assert.is(caller.line, line);
  await line.close();
  return server;
}

for (const stack of stacks) {
  for (const [name, app] of Object.entries(apps)) {
    it(`a handler that ${name} leaves the connection of use (${stack.name})`, async () => {
      const nothingIsLeft = watch();
      const servers: StackServer[] = [];
      for (const size of sizes) {
        for (const half of [false, true]) {
          servers.push(await exchangeTwice(stack, app, size, half));
        }
      }
      await nothingIsLeft(...servers);
    });
  }
}

test.run();
