// Whatever reads requests reads sealed ones as plain ones: Express 5.
import { test } from 'uvu';
import { testRequests } from './support/request-matrix.ts';

testRequests('Express 5');

test.run();
