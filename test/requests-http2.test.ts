// Whatever reads requests reads sealed ones as plain ones: node:http2.
import { test } from 'uvu';
import { testRequests } from './support/request-matrix.ts';

testRequests('node:http2');

test.run();
