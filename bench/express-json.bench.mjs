// 1 KiB of JSON posted to Express and echoed, sealed against plain. One server process serves both, another process
// sends the requests, and the two kinds take turns, so that whatever else the machine does touches both alike.
import { startChild } from './support/child.mjs';
import { median, printTable, setting, spread } from './support/table.mjs';

const rounds = setting('BENCH_ROUNDS', 12);
const seconds = setting('BENCH_SECONDS', 2);
const warmUpRequests = 20_000;
const kinds = ['plain', 'sealed'];

const server = startChild('echo-server.mjs', 0);
const load = startChild('load.mjs', 1);
try {
  const { pins, ...ports } = await server.ask('ports');

  async function measure(kind, count) {
    await load.ask('prepare', { port: ports[kind], sealed: kind === 'sealed', pins, count });
    await server.ask('collect');
    const before = await server.ask('cpu');
    const elapsed = await load.ask('run');
    const cpu = (await server.ask('cpu')) - before;
    return { rate: count / elapsed, cpu: cpu / count, busy: cpu / 1e6 / elapsed };
  }

  // Twice each: the second time the code is compiled, and the rate says how many requests fill a round.
  let rate = 0;
  for (let i = 0; i < 2; i++) for (const kind of kinds) ({ rate } = await measure(kind, warmUpRequests));
  const count = Math.ceil(rate * seconds);

  const results = [];
  for (let round = 0; round < rounds; round++) {
    // Whoever goes first changes from round to round.
    const order = round % 2 === 0 ? kinds : kinds.toReversed();
    const result = {};
    for (const kind of order) result[kind] = await measure(kind, count);
    results.push(result);
  }
  report(count, results);
} finally {
  await Promise.all([server.stop(), load.stop()]);
}

function report(count, results) {
  const rates = results.map(({ plain, sealed }) => sealed.rate / plain.rate);
  const costs = results.map(({ plain, sealed }) => plain.cpu / sealed.cpu);
  console.log(`\n1 KiB JSON echo on Express, sealed vs. plain; ${count} requests of each kind a round\n`);
  printTable([
    ['round', 'plain req/s', 'sealed req/s', 'ratio', 'plain us', 'sealed us', 'ratio', 'server busy'],
    ...results.map(({ plain, sealed }, index) => [
      String(index + 1),
      plain.rate.toFixed(0),
      sealed.rate.toFixed(0),
      rates[index].toFixed(3),
      plain.cpu.toFixed(1),
      sealed.cpu.toFixed(1),
      costs[index].toFixed(3),
      `${(plain.busy * 100).toFixed(0)} / ${(sealed.busy * 100).toFixed(0)} %`,
    ]),
  ]);
  const added = results.map(({ plain, sealed }) => sealed.cpu - plain.cpu);
  console.log(`
  requests per second, sealed / plain:           ${spread(rates, 3)}
  server CPU per request, plain / sealed:        ${spread(costs, 3)}
  server CPU that sealing adds, us per request:  ${spread(added, 1)}`);
  if (!server.pinned) console.log('\n  The server was not bound to one core.');
  if (median(results.map(({ plain }) => plain.busy)) < 0.9) {
    console.log(
      '\n  The server was not busy all the time: the requests per second say less than the CPU does.',
    );
  }
}
