// The matrix of responses: what Express adds to Node's response.
import { test } from 'uvu';
import { expressAnswers, sent, settings } from './support/responses/express-answers.ts';
import { matrix } from './support/responses/matrix.ts';

// Error pages show stacks, and those are of two servers.
Error.stackTraceLimit = 0;

for (const [name, express] of Object.entries(expressAnswers)) matrix(name, { [name]: { express } });
matrix('send, json, jsonp', { 'other settings': { express: sent, around: { express: settings } } });

test.run();
