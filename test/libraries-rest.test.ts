// Libraries for HTTP over a sealed fetch: what an app sees is what it sees over the platform's.
import { test } from 'uvu';
import { restBehaviours } from './support/libraries/rest-behaviours.ts';
import { sameOverSealedFetch } from './support/libraries/twins.ts';

sameOverSealedFetch(restBehaviours);

test.run();
