// The page in a real Chromium, used as a person uses it, with the Koa app.
import { test } from 'uvu';
import { testPage } from '../../notes-shared/test/support/browser-cases.ts';
import { listenerOf } from './support/listener.ts';

testPage(listenerOf);

test.run();
