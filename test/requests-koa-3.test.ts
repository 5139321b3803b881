// Whatever reads requests reads sealed ones as plain ones: Koa 3.
import { test } from 'uvu';
import { testRequests } from './support/request-matrix.ts';

testRequests('Koa 3');

test.run();
