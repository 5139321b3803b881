// The matrix of responses: middleware that looks at answers, mounted before Sealwire and behind it.
import { test } from 'uvu';
import { matrix } from './support/responses/matrix.ts';
import { middleware } from './support/responses/middleware.ts';

// Error pages show stacks, and those are of two servers.
Error.stackTraceLimit = 0;

for (const [name, tables] of Object.entries(middleware)) matrix('middleware', { [name]: tables });

test.run();
