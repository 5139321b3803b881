// The matrix of responses: what Koa makes of bodies, statuses and errors.
import { test } from 'uvu';
import { koaAnswers } from './support/responses/koa-answers.ts';
import { matrix } from './support/responses/matrix.ts';

for (const [name, koa] of Object.entries(koaAnswers)) matrix(name, { [name]: { koa } });

test.run();
