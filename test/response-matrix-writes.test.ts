// The matrix of responses: every form of write and end says, does and sends on every server what it does without Sealwire.
import { test } from 'uvu';
import { matrix } from './support/responses/matrix.ts';
import { writes } from './support/responses/writes.ts';

for (const [name, node] of Object.entries(writes))
  matrix('write and end', { [`${name} every form`]: { node } });

test.run();
