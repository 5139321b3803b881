// Bodies streamed up and down, sealed against plain: how much the resident memory of server and client grows, and how
// fast they get through.
import { median, printTable, setting, spread } from './support/table.mjs';
import { directions, frameworks, startTransfers } from './support/transfers.mjs';

const mebibytes = setting('BENCH_MEBIBYTES', 1024);
const rounds = setting('BENCH_ROUNDS', 3);
const warmUp = 64;

const kinds = ['plain', 'sealed'];
const transfers = await startTransfers();
try {
  const rows = [];
  const ratios = [];
  for (const framework of frameworks) {
    for (const direction of directions) {
      const results = await takeTurns(framework, direction);
      for (const kind of kinds) rows.push(row(`${framework}, ${direction}, ${kind}`, results[kind]));
      const ratio = results.sealed.map(({ speed }, round) => speed / results.plain[round].speed);
      ratios.push(`  ${`${framework}, ${direction}:`.padEnd(20)} ${spread(ratio)}`);
    }
  }
  console.log(`\nBodies of ${mebibytes} MiB through a handler; ${rounds} of each kind\n`);
  printTable([['', 'server grew', 'client grew', 'server us/MiB', 'client us/MiB', 'MiB/s'], ...rows]);
  console.log(`\n  MiB/s, sealed / plain\n${ratios.join('\n')}`);
} finally {
  await transfers.stop();
}

async function takeTurns(framework, direction) {
  const run = (kind, length) =>
    transfers.run({ framework, direction, sealed: kind === 'sealed', mebibytes: length });
  for (const kind of kinds) await run(kind, warmUp);
  const results = { plain: [], sealed: [] };
  for (let round = 0; round < rounds; round++) {
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      results[kind].push(await run(kind, mebibytes));
    }
  }
  return results;
}

/** Of growth the worst, of everything else the median. */
function row(name, results) {
  const grew = (side) => `${Math.max(...results.map((result) => result[side].grew)).toFixed(1)} MiB`;
  const cpu = (side) => median(results.map((result) => result[side].cpu)).toFixed(0);
  const speed = median(results.map((result) => result.speed)).toFixed(0);
  return [name, grew('server'), grew('client'), cpu('server'), cpu('client'), speed];
}
