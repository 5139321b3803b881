// The matrix of responses: heads. Every form of writeHead, every status, fields of all kinds, and what comes too late.
import { test } from 'uvu';
import { heads } from './support/responses/heads.ts';
import { matrix } from './support/responses/matrix.ts';

for (const [name, node] of Object.entries(heads)) matrix('heads', { [name]: { node } });

test.run();
