// The matrix of requests through a sealing gateway: a plain client calls it, and every consumer takes what comes as in plain.
import { test } from 'uvu';
import { testRequestsThroughGateway } from './support/request-matrix.ts';

testRequestsThroughGateway();

test.run();
