// The matrix of responses: files, by sendFile, download and express.static, with ranges and conditions.
import { test } from 'uvu';
import { frameworks } from './support/cases.ts';
import { sendFile, statics } from './support/responses/file-answers.ts';
import { matrix } from './support/responses/matrix.ts';
import { stacks } from './support/stacks.ts';

// Error pages show stacks, and those are of two servers.
Error.stackTraceLimit = 0;

matrix('files', { 'sendFile and download': { express: sendFile } });
for (const { name, express } of frameworks) {
  const stack = stacks.filter((each) => each.name === name);
  matrix('files', { 'express.static': { express: statics(express) } }, stack);
}

test.run();
