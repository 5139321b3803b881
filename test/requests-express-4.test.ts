// Whatever reads requests reads sealed ones as plain ones: Express 4.
import { test } from 'uvu';
import { testRequests } from './support/request-matrix.ts';

testRequests('Express 4');

test.run();
