// Whatever reads requests reads sealed ones as plain ones: Koa 2.
import { test } from 'uvu';
import { testRequests } from './support/request-matrix.ts';

testRequests('Koa 2');

test.run();
