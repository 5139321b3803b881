// The matrix of responses: a feed. Each event is there within 50 ms of its write, and the first byte is not held.
import { request, type ServerResponse } from 'node:http';
import { connect } from 'node:http2';
import { PassThrough, type Readable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Arrivals, it, sleep, within } from './support/cases.ts';
import { recordResult } from './support/compatibility.ts';
import { afterwards } from './support/resources.ts';
import { askOver, http1Transport, http2Transport } from './support/responses/transport.ts';
import {
  nodeHttp,
  type Stack,
  type StackApp,
  type StackServer,
  stacks,
  startStack,
} from './support/stacks.ts';
import { WireClient } from './support/wire-client.ts';

/** How late an event may be, in milliseconds. */
const limit = 50;
/** The machine may be busy: a run that is late is repeated twice. */
const tries = 3;
const events = 8;

type Feed = { write(text: string): unknown; end(): unknown };

/** How a handler opens its feed: the head flushed, the head with the first event, or a stream as Koa's body. */
type Way = 'flushed' | 'unflushed' | 'streamed';

/** An application that hands its feed over. */
function feedApp(opened: Arrivals<Feed>, way: Way): StackApp {
  const open = (res: ServerResponse) => {
    res.setHeader('content-type', 'text/event-stream');
    if (way === 'flushed') res.flushHeaders();
    opened.push(res);
  };
  if (way !== 'streamed') return { listener: (_req, res) => open(res) };
  return {
    koa(app) {
      app.use((ctx) => {
        const feed = new PassThrough();
        ctx.type = 'text/event-stream';
        ctx.status = 200;
        ctx.body = feed;
        ctx.flushHeaders();
        opened.push(feed);
      });
    },
  };
}

/** The body of a GET as it arrives. */
function get(stack: Stack, server: StackServer, headers: Record<string, string>): Promise<Readable> {
  if (stack.http2) {
    const connection = connect(server.origin).on('error', () => {});
    afterwards(() => connection.destroy());
    const stream = connection.request({ ':path': '/', ...headers });
    return new Promise((resolve) => stream.on('response', () => resolve(stream)));
  }
  return new Promise((resolve, reject) => {
    request({ port: server.port, headers, agent: false }, resolve).on('error', reject).end();
  });
}

/** How late the head and each event were, in milliseconds. */
async function delays(stack: Stack, way: Way, sealed: boolean): Promise<number[]> {
  const opened = new Arrivals<Feed>();
  const server = await startStack(stack, feedApp(opened, way), { sealed });
  const open = sealed
    ? await sealedReader(stack, server)
    : { headers: {}, read: async (bytes: Buffer) => bytes };
  const answered = get(stack, server, open.headers).then((body) => ({ body, at: performance.now() }));
  const feed = await opened.next('the handler');
  const flushed = performance.now();
  const late = way === 'unflushed' ? [] : [(await within(answered, 'the head')).at - flushed];
  const arrived = new Arrivals<number>();
  let text = '';
  let seen = 0;
  const reading = (async () => {
    const { body } = await within(answered, 'the head');
    for await (const chunk of body) {
      text += (await open.read(chunk as Buffer)).toString();
      for (; text.split('\n\n').length - 1 > seen; seen++) arrived.push(performance.now());
    }
  })();
  for (let i = 0; i < events; i++) {
    await sleep(i * 3);
    const written = performance.now();
    feed.write(`data: ${i}\n\n`);
    late.push((await arrived.next(`event ${i}`)) - written);
  }
  feed.end();
  await within(reading, 'the end of the feed');
  assert.is(text, Array.from({ length: events }, (_, i) => `data: ${i}\n\n`).join(''));
  return late;
}

async function sealedReader(stack: Stack, server: StackServer) {
  const send = stack.http2 ? http2Transport(server.origin) : http1Transport(server.port);
  const wire = await WireClient.connect(server, undefined, askOver(send));
  const message = await wire.seal();
  const opener = wire.opener(message);
  return {
    headers: Object.fromEntries(wire.headersOf(message)),
    read: (bytes: Buffer) => opener.push(bytes),
  };
}

for (const stack of [nodeHttp, ...stacks]) {
  for (const way of ['flushed', 'unflushed', 'streamed'] as const) {
    if (way === 'streamed' && stack.kind !== 'koa') continue;
    it(`a ${way} feed arrives event by event (${stack.name})`, async () => {
      let worst = { plain: Number.POSITIVE_INFINITY, sealed: Number.POSITIVE_INFINITY };
      for (let i = 0; i < tries && worst.sealed > limit; i++) {
        worst = {
          plain: Math.max(...(await delays(stack, way, false))),
          sealed: Math.max(...(await delays(stack, way, true))),
        };
      }
      recordResult('responses', 'feeds', stack.name, worst.sealed <= limit);
      assert.ok(worst.sealed <= limit, `sealed ${worst.sealed} ms late, in plain ${worst.plain} ms`);
    });
  }
}

test.run();
