// The app through a sealed fetch, over real sockets, with everything that the path sees kept.
import { test } from 'uvu';
import { testApp } from '../../notes-shared/test/support/app-cases.ts';
import { listenerOf } from './support/listener.ts';

testApp(listenerOf);

test.run();
