// The matrix of responses: every form of write and end, with and without Sealwire, on every server.
import { test } from 'uvu';
import { it } from './support/cases.ts';
import { compare } from './support/responses/matrix.ts';
import { writes } from './support/responses/writes.ts';
import { nodeHttp, stacks } from './support/stacks.ts';

for (const stack of [nodeHttp, ...stacks]) {
  for (const [name, node] of Object.entries(writes)) {
    it(`${name} every form (${stack.name})`, () => compare(stack, { node }));
  }
}

test.run();
