// A small body is held until its final record is there, so that a damaged one reaches no handler; but never for long.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from '../../../test/support/bytes.ts';
import { Arrivals, it, sleep, within } from '../../../test/support/cases.ts';
import { assertSealedProblem } from '../../../test/support/problems.ts';
import { RawConnection, type RawResponse } from '../../../test/support/raw-http.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { WireClient, type WireRequest } from '../../../test/support/wire-client.ts';
import { recordEdges } from '../../../test/support/wire-message.ts';
import { Hold, maxHeld } from '../src/hold.ts';

/** True if nothing is held in this process: exactly the budget fits. */
function budgetIsFree(): boolean {
  const budget = 64 * 1024 * 1024;
  const piece = new Uint8Array(maxHeld);
  const holds = Array.from({ length: budget / maxHeld + 1 }, () => new Hold());
  const fits = holds.map((hold) => hold.add(piece));
  for (const hold of holds) hold.take();
  return fits.slice(0, -1).every((each) => each) && fits.at(-1) === false;
}

interface Handled {
  req: IncomingMessage;
  res: ServerResponse;
  at: number;
}

async function startServer() {
  const handled = new Arrivals<Handled>();
  let count = 0;
  const server = await startSealedNode((req, res) => {
    count++;
    handled.push({ req, res, at: performance.now() });
    req.pipe(res);
  });
  return { server, handled, count: () => count, wire: await WireClient.connect(server) };
}

const slow: WireRequest = { body: 'first and second', shares: [5, 11] };

/** Sends a message up to the end of its first record. */
async function sendFirst(wire: WireClient, request: WireRequest = slow) {
  const message = await wire.seal(request);
  const connection = await RawConnection.open(wire.port);
  const [, first = 0] = recordEdges(message.message);
  await wire.sendHead(message, { connection });
  const started = performance.now();
  await connection.write(message.message.subarray(0, first));
  return { message, connection, rest: message.message.subarray(first), started };
}

it('a whole small body comes with its handler, and nothing is held behind it', async () => {
  const { wire, count } = await startServer();
  for (const size of [0, 1, 65_536]) {
    assert.is((await wire.exchange({ body: pattern(size), shares: [0] })).body.length, size);
  }
  assert.is(count(), 3);
  assert.ok(budgetIsFree());
});

it('when the final record is late the handler begins after 100 ms, with what is there', async () => {
  const { wire, handled } = await startServer();
  const { message, connection, rest, started } = await sendFirst(wire);
  const { at, req } = await handled.next('the handler');
  assert.ok(at - started >= 95, `held for ${at - started} ms`);
  assert.ok(at - started < 1000, `held for ${at - started} ms`);
  assert.is(req.listenerCount('aborted'), 0);
  await connection.write(rest);
  assert.is((await wire.open(message, await connection.response())).body.toString(), slow.body);
  assert.ok(budgetIsFree());
});

it('a damaged record in time is a refusal, a late one an error of the stream', async () => {
  const { wire, handled, count } = await startServer();
  assert.is((await wire.exchange(slow)).body.toString(), slow.body);
  await handled.next();
  let inTime = false;
  // A busy machine may be late twice.
  for (let tries = 0; tries < 3 && !inTime; tries++) {
    const before = count();
    const quick = await sendFirst(wire);
    await quick.connection.write(flipped(quick.rest, 50));
    const answer = await quick.connection.response().catch(() => undefined);
    inTime = count() === before;
    if (inTime) assertSealedProblem(await wire.open(quick.message, answer as RawResponse), 'rejected');
    else await handled.next();
  }
  assert.ok(inTime);
  const before = count();
  const late = await sendFirst(wire);
  const { req } = await handled.next('the handler');
  const failed = new Promise<Error>((resolve) => req.on('error', resolve));
  await late.connection.write(flipped(late.rest, 50));
  assert.is(((await within(failed, 'the error')) as Error & { code?: string }).code, 'rejected');
  assert.is(count(), before + 1);
  assert.ok(budgetIsFree());
});

/** Asserts that a handler is called before a body could have been held; a busy machine may be late twice. */
async function assertNotHeld(exchange: () => Promise<number>): Promise<void> {
  let waited = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 3 && waited >= 80; tries++) waited = await exchange();
  assert.ok(waited < 80, `held for ${waited} ms`);
}

it('a body that says it is longer is not held at all', async () => {
  const { wire, handled } = await startServer();
  await assertNotHeld(async () => {
    const request = { body: pattern(70_000), shares: [100] };
    const { message, connection, rest, started } = await sendFirst(wire, request);
    const { at } = await handled.next('the handler');
    await connection.write(rest);
    assert.ok((await wire.open(message, await connection.response())).body.equals(request.body));
    return at - started;
  });
});

it('a body that turns out to be longer is held no longer', async () => {
  const { wire, handled } = await startServer();
  const request = { body: pattern(200_000), shares: [40_000, 40_000], length: false as const };
  await assertNotHeld(async () => {
    const message = await wire.seal(request);
    const connection = await RawConnection.open(wire.port);
    const edges = recordEdges(message.message);
    await wire.sendHead(message, { connection });
    const started = performance.now();
    await connection.write(message.message.subarray(0, edges[2]));
    const { at } = await handled.next('the handler');
    await connection.write(message.message.subarray(edges[2]));
    assert.ok((await wire.open(message, await connection.response())).body.equals(request.body));
    return at - started;
  });
  assert.ok(budgetIsFree());
});

it('a client that goes away while its body is held calls the handler, which sees the abort', async () => {
  const seen = new Arrivals<string[]>();
  const server = await startSealedNode((req) => {
    const events: string[] = [];
    for (const event of ['aborted', 'error', 'end', 'close']) req.on(event, () => events.push(event));
    req.on('data', (chunk) => events.push(String(chunk)));
    req.on('close', () => setImmediate(() => seen.push(events)));
  });
  const wire = await WireClient.connect(server);
  const { connection } = await sendFirst(wire);
  await sleep(10);
  connection.socket.destroy();
  const events = await seen.next('the handler');
  assert.not.ok(events.includes('end'), events.join());
  assert.ok(events.includes('aborted'), events.join());
  await sleep(120);
  assert.ok(budgetIsFree());
});

it('a client that waits for 100 Continue gets it before anything is held', async () => {
  const { wire, handled, server } = await startServer();
  for (const own of [false, true]) {
    if (own) server.server.on('checkContinue', (req, res) => server.server.emit('request', req, res));
    const message = await wire.seal(slow);
    const connection = await RawConnection.open(wire.port);
    await wire.sendHead(message, { connection, headers: [['Expect', '100-continue']] });
    for (let turns = 0; turns < 200 && connection.informational.length === 0; turns++) {
      await sleep(1);
      const head = await Promise.race([connection.responseHead().then(() => true), sleep(5)]).catch(
        () => false,
      );
      if (head === true) throw new Error('answered before the body came');
      if (connection.informational.length > 0) break;
    }
    assert.equal(
      connection.informational.map(({ status }) => status),
      [100],
    );
    await connection.write(message.message);
    const { req } = await handled.next('the handler');
    assert.is(req.headers.expect, '100-continue');
  }
});

it('more bodies than the budget are streamed, not held', () => {
  assert.ok(budgetIsFree());
  const piece = new Uint8Array(maxHeld);
  const full = Array.from({ length: 1024 }, () => new Hold());
  assert.ok(full.every((hold) => hold.add(piece)));
  const next = new Hold();
  assert.is(next.add(new Uint8Array(1)), false);
  assert.is(next.take().length, 1);
  full[0]?.take();
  assert.is(new Hold().add(new Uint8Array(0)), true);
  for (const hold of full) hold.take();
  assert.ok(budgetIsFree());
});

it('with the budget used up by others a handler begins with the first record', async () => {
  const { wire, handled } = await startServer();
  const piece = new Uint8Array(maxHeld);
  const full = Array.from({ length: 1024 }, () => new Hold());
  for (const hold of full) hold.add(piece);
  await assertNotHeld(async () => {
    const { message, connection, rest, started } = await sendFirst(wire);
    const { at } = await handled.next('the handler');
    await connection.write(rest);
    const answer = await wire.open(message, await connection.response());
    assert.is(answer.body.toString(), 'first and second');
    return at - started;
  });
  for (const hold of full) hold.take();
  assert.ok(budgetIsFree());
});

test.run();
