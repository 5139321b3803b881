// The matrix of responses: streams, back-pressure, the order of callbacks and events, trailers, 1xx, and what breaks off.
import { test } from 'uvu';
import { failures, interim } from './support/responses/breaks.ts';
import { flow, streams } from './support/responses/flows.ts';
import { matrix } from './support/responses/matrix.ts';

matrix('streams', { 'streams into the response': { node: streams } });
matrix('events and callbacks', { 'the order of things': { node: flow } });
matrix('failures', { 'what breaks off': { node: failures } });
matrix('1xx', { 'answers before the answer': { node: interim } });

test.run();
