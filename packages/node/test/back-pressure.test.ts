// A consumer that does not read makes the sender wait: what is kept in between does not grow with the body.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MemorySessionStore } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from '../../../test/support/bytes.ts';
import { Arrivals, deferred, it, sleep, within } from '../../../test/support/cases.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { Http2Client } from '../../../test/support/http2-client.ts';
import { RawConnection } from '../../../test/support/raw-http.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { stacks, startStack } from '../../../test/support/stacks.ts';
import { SlowStore } from '../../../test/support/stores.ts';
import { WireClient } from '../../../test/support/wire-client.ts';

const length = 20_000_000;
/** Buffers of Node and of this process's own sockets; not a part of the body's length. */
const inBetween = 2_000_000;

/** Sends a long body without waiting for anything; the sockets see to it that it is not read faster than it may be. */
async function upload(wire: WireClient) {
  const message = await wire.seal({ path: '/upload', body: pattern(length) });
  const connection = await RawConnection.open(wire.port);
  const written = wire.write(message, { connection });
  return { message, connection, written };
}

it('a handler that reads later gets everything, and until then little is read from the socket', async () => {
  const started = new Arrivals<{ req: IncomingMessage; res: ServerResponse }>();
  const server = await startSealedNode((req, res) => started.push({ req, res }));
  const wire = await WireClient.connect(server);
  const { message, connection } = await upload(wire);
  const { req, res } = await started.next('the handler');
  await sleep(100);
  assert.ok(req.socket.bytesRead < inBetween, `${req.socket.bytesRead} bytes were read`);
  let read = 0;
  for await (const chunk of req) {
    read += (chunk as Buffer).length;
    if (read < 5_000_000) assert.ok(req.socket.bytesRead - read < inBetween);
    if (read % 7 === 0) await sleep(0);
  }
  assert.is(read, length);
  res.end('read');
  assert.is((await wire.open(message, await connection.response())).body.toString(), 'read');
});

it('a handler that pauses is waited for each time', async () => {
  const server = await startSealedNode(async (req, res) => {
    let read = 0;
    let pauses = 0;
    req.on('data', (chunk: Buffer) => {
      read += chunk.length;
      if (read < (pauses + 1) * 4_000_000) return;
      pauses++;
      req.pause();
      setTimeout(() => req.resume(), 5);
    });
    req.on('end', () => res.end(`${read} with ${pauses} pauses`));
  });
  const wire = await WireClient.connect(server);
  const { message, connection } = await upload(wire);
  assert.is(
    (await wire.open(message, await connection.response())).body.toString(),
    `${length} with 5 pauses`,
  );
});

/** A server whose store answers, once `wait.now` is true, when `answer` is resolved. */
async function startGated() {
  const answer = deferred();
  const asked = deferred();
  const wait = { now: false };
  const store = new SlowStore(new MemorySessionStore(), async () => {
    if (!wait.now) return;
    asked.resolve();
    await answer.promise;
  });
  const sockets: { bytesRead: number }[] = [];
  const server = await startSealedNode((req, res) => req.pipe(res), { store });
  server.server.on('connection', (socket) => sockets.push(socket));
  const wire = await WireClient.connect(server);
  wait.now = true;
  return { wire, sockets, asked: asked.promise, answer };
}

it('while the session store takes its time, little is read from the socket', async () => {
  const { wire, sockets, asked, answer } = await startGated();
  const { message, connection } = await upload(wire);
  await within(asked, 'the question to the store');
  await sleep(100);
  const bytesRead = sockets.at(-1)?.bytesRead as number;
  assert.ok(bytesRead < inBetween, `${bytesRead} bytes were read`);
  answer.resolve();
  const opened = await wire.open(message, await connection.response());
  assert.ok(opened.body.equals(pattern(length)));
});

it('a sender who had to wait for the store in the middle of the first record is heard on', async () => {
  const { wire, sockets, answer } = await startGated();
  const body = pattern(200_000);
  const message = await wire.seal({ body });
  const connection = await RawConnection.open(wire.port);
  await wire.sendHead(message, { connection });
  // As much as is kept for the store, and less than the first record of the message.
  await connection.write(message.message.subarray(0, 65_540));
  while ((sockets.at(-1)?.bytesRead ?? 0) < 65_540) await sleep(1);
  await connection.write(message.message.subarray(65_540));
  answer.resolve();
  const response = await within(connection.response(), 'the response');
  assert.ok((await wire.open(message, response)).body.equals(body));
});

/** Resolves when a value has stayed the same for a while. */
async function settled(value: () => number): Promise<void> {
  for (let before = -1; before !== value(); ) {
    before = value();
    await sleep(100);
  }
}

it('a client that does not read a response stops the handler, and gets all of it later', async () => {
  let written = 0;
  const chunk = pattern(50_000);
  const server = await startSealedNode((_req, res) => {
    const more = () => {
      while (written < length) {
        written += chunk.length;
        if (!res.write(chunk)) return;
      }
      res.end();
    };
    res.on('drain', more);
    more();
  });
  const response = await clientOf(server)('/');
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let read = (await reader.read()).value?.length as number;
  await settled(() => written);
  // The kernel's buffers of a connection within one machine are large.
  assert.ok(written < length - 5_000_000, `${written} bytes were written`);
  for (let { value } = await reader.read(); value !== undefined; { value } = await reader.read())
    read += value.length;
  assert.is(read, length);
});

for (const stack of stacks.filter(({ http2 }) => http2)) {
  it(`over http2 a stream that is not read stops its handler, and no other (${stack.name})`, async () => {
    let written = 0;
    const chunk = pattern(50_000);
    const server = await startStack(stack, {
      listener(req, res) {
        if (req.url === '/other') return void res.end('answered');
        const more = () => {
          while (written < length) {
            written += chunk.length;
            if (!res.write(chunk)) return;
          }
          res.end();
        };
        res.on('drain', more);
        more();
      },
    });
    const client = await Http2Client.connect(server);
    const { headers, opener } = await client.seal({ method: 'GET' });
    const stream = client.connection.request(headers);
    await once(stream, 'response');
    await settled(() => written);
    // The windows of stream and connection, and what waits in front of them.
    assert.ok(written < inBetween, `${written} bytes were written`);
    const other = await client.exchange({ method: 'GET', path: '/other' });
    assert.is(other.opened?.body.toString(), 'answered');

    let read = 0;
    for await (const bytes of stream) read += (await opener.push(bytes)).length;
    assert.equal([read, opener.opened.complete], [length, true]);
  });
}

test.run();
