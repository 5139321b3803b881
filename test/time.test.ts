// What was held does not run later, and a clock that is wrong keeps no honest client out.
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { onExpress } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { day, minute, movableClock } from './support/configurations.ts';
import { assertSealedProblem, thrown } from './support/problems.ts';
import { startSealed } from './support/servers.ts';
import { WireClient, type WireRequest } from './support/wire-client.ts';

const year = 365 * day;
let handled = 0;

function routes(app: Application): void {
  handled = 0;
  app.use(async (req, res) => {
    handled++;
    for await (const _ of req);
    res.json(handled);
  });
}

const requests: [string, WireRequest][] = [
  ['in the header', { method: 'DELETE', path: '/' }],
  ['in the body', { path: '/', body: 'transfer 100' }],
  ['in a stream', { path: '/', body: pattern(150_000) }],
];

onExpress('a request held for 119 s runs, one held for 121 s does not', async (express) => {
  // A clock that stands, so that the edges are exact.
  let now = Date.now();
  const server = await startSealed(express, routes, { clock: () => now });
  const wire = await WireClient.connect(server);
  for (const [name, request] of requests) {
    for (const [held, runs] of [
      [0, true],
      [119_000, true],
      [120_000, true],
      [120_001, false],
      [121_000, false],
      [3_000_000, false],
    ] as const) {
      const before = handled;
      const message = await wire.seal({ ...request, time: now });
      now += held;
      const answer = await wire.open(message, await wire.send(message));
      if (runs) assert.is(answer.status, 200, `${name}, ${held} ms`);
      // The refusal says the server's time, and is final.
      else assert.is(assertSealedProblem(answer, 'expired').time, now);
      assertSealedProblem(await wire.open(message, await wire.send(message)), 'replayed');
      assert.is(handled - before, runs ? 1 : 0, `${name}, ${held} ms`);
    }
  }
});

onExpress('a request from a later time than 30 s does not run', async (express) => {
  const now = Date.now();
  const server = await startSealed(express, routes, { clock: () => now });
  const wire = await WireClient.connect(server);
  for (const [ahead, runs] of [
    [30_000, true],
    [30_001, false],
  ] as const) {
    const before = handled;
    const answer = await wire.exchange({ path: '/', body: 'x', time: now + ahead });
    if (runs) assert.is(answer.status, 200);
    else assertSealedProblem(answer, 'expired');
    assert.is(handled - before, runs ? 1 : 0);
  }
});

onExpress('what the middle held back is refused, though the client sends nothing else', async (express) => {
  let shift = 0;
  const server = await startSealed(express, routes, { clock: () => Date.now() + shift });
  let hold = 0;
  const network = recordingFetch({
    request(url) {
      if (url.endsWith('/pay')) shift += hold;
      return undefined;
    },
  });
  const sealedFetch = clientOf(server, { fetch: network });
  const pay = { method: 'POST', body: 'transfer 100' };
  // A session whose first exchange is held for longer than a minute is not there any more.
  assert.is((await sealedFetch('/')).status, 200);
  hold = 119_000;
  assert.is((await sealedFetch('/pay', pay)).status, 200);
  assert.equal([handled, network.exchanges.length], [2, 2]);
  // Held each time: the client corrects itself once and then gives up.
  hold = 200_000;
  await thrown(sealedFetch('/pay', pay), 'expired');
  assert.equal([handled, network.exchanges.length], [2, 4]);
});

onExpress("the client's wall clock may be years behind", async (express) => {
  const server = await startSealed(express, routes);
  for (const wall of [0, -10 * minute, -year, -30 * year]) {
    const clock = movableClock();
    clock.moved.wall = wall;
    const network = recordingFetch();
    const sealedFetch = clientOf(server, { clock, fetch: network });
    assert.is((await sealedFetch('/', { method: 'POST', body: 'x' })).status, 200);
    assert.is((await sealedFetch('/')).status, 200);
    // No exchange needed a correction: the time that is sealed is the server's.
    assert.equal([network.handshakes, network.exchanges.length], [1, 2]);
  }
});

onExpress('a wall clock that is set while the client runs changes nothing', async (express) => {
  const server = await startSealed(express, routes);
  const clock = movableClock();
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { clock, fetch: network });
  assert.is((await sealedFetch('/')).status, 200);
  clock.moved.wall = -year;
  assert.is((await sealedFetch('/')).status, 200);
  // Also for a new session, whose configuration begins a year after what the clock says.
  clock.moved.monotonic += 2 * 3_600_000;
  assert.is((await sealedFetch('/')).status, 200);
  assert.equal([handled, network.handshakes], [3, 2]);
});

onExpress(
  'a wall clock far ahead is an error that says so; without a pin it does not matter',
  async (express) => {
    const server = await startSealed(express, routes);
    const clock = movableClock();
    clock.moved.wall = year;
    const error = await thrown(clientOf(server, { clock })('/'), 'configuration-expired');
    assert.match(error.message, /\d{8} s past its end/);
    assert.is(handled, 0);
    assert.is((await clientOf(server, { clock, trust: 'tls' })('/')).status, 200);
    // Where the clock is not to be had, the application may know the time.
    const own = { now: () => clock.now() - year, monotonic: clock.monotonic };
    assert.is((await clientOf(server, { clock: own })('/')).status, 200);
  },
);

onExpress('after a sleep that stopped the monotonic clock one resend corrects the time', async (express) => {
  const clock = movableClock();
  const server = await startSealed(express, routes, { clock: () => clock.now() });
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { clock, fetch: network });
  const post = { method: 'POST', body: 'transfer 100' };
  assert.is((await sealedFetch('/', post)).status, 200);
  // The lid was closed for ten minutes, then for five.
  for (const [slept, exchanges] of [
    [10 * minute, 4],
    [5 * minute, 7],
  ] as const) {
    clock.moved.wall += slept;
    assert.is((await sealedFetch('/', post)).status, 200);
    assert.is((await sealedFetch('/', post)).status, 200);
    assert.is(network.exchanges.length, exchanges);
  }
  assert.equal([handled, network.handshakes], [5, 1]);
});

test.run();
