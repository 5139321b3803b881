// The matrix of responses through a sealing gateway: a plain client is told what the server in plain tells it.
import express5 from 'express';
import { test } from 'uvu';
import { failures, interim } from './support/responses/breaks.ts';
import { expressAnswers, sent, settings } from './support/responses/express-answers.ts';
import { sendFile, statics } from './support/responses/file-answers.ts';
import { flow, streams } from './support/responses/flows.ts';
import { heads } from './support/responses/heads.ts';
import { koaAnswers } from './support/responses/koa-answers.ts';
import { matrixThroughGateway } from './support/responses/matrix.ts';
import { middleware } from './support/responses/middleware.ts';
import { writes } from './support/responses/writes.ts';

// Error pages show stacks, and those are of two servers.
Error.stackTraceLimit = 0;

for (const [name, node] of Object.entries(heads)) matrixThroughGateway({ [name]: { node } });
for (const [name, node] of Object.entries(writes)) matrixThroughGateway({ [`${name} every form`]: { node } });
for (const [name, koa] of Object.entries(koaAnswers)) matrixThroughGateway({ [name]: { koa } });
for (const [name, express] of Object.entries(expressAnswers)) matrixThroughGateway({ [name]: { express } });
matrixThroughGateway({
  'streams into the response': { node: streams },
  'the order of things': { node: flow },
  'what breaks off': { node: failures },
  'answers before the answer': { node: interim },
  'other settings': { express: sent, around: { express: settings } },
  'sendFile and download': { express: sendFile },
  'express.static': { express: statics(express5) },
  ...middleware,
});

test.run();
