// However long a body is, the server keeps no more than a few records of it: with bodies of 1 GiB, `npm run bench memory`.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { directions, frameworks, startTransfers } from '../bench/support/transfers.mjs';
import { it } from './support/cases.ts';
import { afterwards } from './support/resources.ts';

/** In MiB: how far the resident memory may grow, and a body that would not fit into that. */
const limit = 48;
const mebibytes = 96;
/** Compiles the code and fills what the process keeps for its whole life; more of it would hide what it is to show. */
const warmUp = 16;

for (const framework of frameworks) {
  for (const direction of directions) {
    it(`a sealed ${direction} of ${mebibytes} MiB takes at most ${limit} MiB (${framework})`, async () => {
      const transfers = await startTransfers();
      afterwards(() => transfers.stop());
      const upOrDown = { framework, direction, sealed: true };
      await transfers.run({ ...upOrDown, mebibytes: warmUp });
      const { grew } = (await transfers.run({ ...upOrDown, mebibytes })).server;
      assert.ok(grew <= limit, `it grew by ${grew.toFixed(1)} MiB`);
    });
  }
}

test.run();
