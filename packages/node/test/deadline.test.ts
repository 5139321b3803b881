// The beginning of a sealed message has a deadline; one timer looks at all who wait, and none is left behind.
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, sleep } from '../../../test/support/cases.ts';
import { assertProblem } from '../../../test/support/problems.ts';
import { RawConnection } from '../../../test/support/raw-http.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { WireClient } from '../../../test/support/wire-client.ts';
import { recordEdges } from '../../../test/support/wire-message.ts';
import { type Deadline, Deadlines } from '../src/deadline.ts';

interface Waiting {
  name: string;
}

it('who waits too long expires once, in the order of arrival', async () => {
  const expired: string[] = [];
  const deadlines = new Deadlines<Waiting>(40, ({ name }) => expired.push(name));
  const started = performance.now();
  deadlines.add({ name: 'first' });
  await sleep(15);
  deadlines.add({ name: 'second' });
  while (expired.length === 0) await sleep(1);
  assert.ok(performance.now() - started >= 40);
  assert.equal(expired, ['first']);
  while (expired.length === 1) await sleep(1);
  await sleep(60);
  assert.equal(expired, ['first', 'second']);
});

it('who is removed in time does not expire, and others go on', async () => {
  const expired: string[] = [];
  const deadlines = new Deadlines<Waiting>(20, ({ name }) => expired.push(name));
  const [one, two, three] = [{ name: 'one' }, { name: 'two' }, { name: 'three' }];
  const [first, , third] = [one, two, three].map((waiting) => deadlines.add(waiting));
  for (const deadline of [first, third, first, third]) deadlines.remove(deadline as Deadline<Waiting>);
  await sleep(60);
  assert.equal(expired, ['two']);
  // The timer had stopped: it starts again.
  deadlines.add(one);
  await sleep(60);
  assert.equal(expired, ['two', 'one']);
});

it('what expires may add and remove others', async () => {
  const expired: string[] = [];
  const deadlines: Deadlines<Waiting> = new Deadlines<Waiting>(15, (waiting) => {
    expired.push(waiting.name);
    deadlines.remove(other);
    if (expired.length === 1) deadlines.add({ name: 'again' });
  });
  deadlines.add({ name: 'first' });
  const other = deadlines.add({ name: 'other' });
  await sleep(80);
  assert.equal(expired, ['first', 'again']);
});

it('it keeps no process alive', async () => {
  const deadlines = new Deadlines<Waiting>(60_000, () => {});
  deadlines.add({ name: 'for long' });
  // If its timer counted, the runner would say that this file does not end.
  await sleep(1);
});

it('connections that never finish their first record keep no session from others', async () => {
  const server = await startSealedNode((req, res) => req.pipe(res));
  const wire = await WireClient.connect(server);
  const stalled = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const message = await wire.seal({ body: 'never all of it' });
      const connection = await RawConnection.open(server.port);
      await wire.write(message, {
        connection,
        body: message.message.subarray(0, i * 3),
        headers: [['Content-Length', '1000']],
      });
      return connection;
    }),
  );
  const idle = connect(server.port, '127.0.0.1');
  afterwards(() => idle.destroy());
  assert.is((await wire.exchange({ body: 'all of it' })).body.toString(), 'all of it');
  assert.ok(stalled.every((connection) => !connection.ended));
});

it('a first record that does not come in 15 seconds is answered with 408, and the connection closed', async () => {
  let handled = 0;
  const server = await startSealedNode((req, res) => {
    handled++;
    req.pipe(res);
  });
  const wire = await WireClient.connect(server);
  const stalled: RawConnection[] = [];
  for (const sent of [0, 20, 40]) {
    const message = await wire.seal({ body: 'never all of it' });
    const connection = await RawConnection.open(server.port);
    await wire.write(message, {
      connection,
      body: message.message.subarray(0, sent),
      headers: [['Content-Length', '1000']],
    });
    stalled.push(connection);
  }
  const inTime = await wire.seal({ body: 'first record in time', shares: [5] });
  const running = await RawConnection.open(server.port);
  const [, first = 0] = recordEdges(inTime.message);
  await wire.sendHead(inTime, { connection: running });
  await running.write(inTime.message.subarray(0, first));
  await sleep(20);
  // The hand of the clock is moved; the timer that looks at it goes round every 1.5 seconds.
  const { now } = performance;
  afterwards(() => {
    performance.now = now;
  });
  performance.now = () => now.call(performance) + 15_000;
  for (const connection of stalled) {
    const response = await connection.response();
    assertProblem(response, 'timeout');
    assert.is(response.headers['connection'], 'close');
    await connection.untilEnded();
  }
  assert.is(handled, 1);
  await running.write(inTime.message.subarray(first));
  assert.is((await wire.open(inTime, await running.response())).body.toString(), 'first record in time');
});

test.run();
