// The eventsource package and the OpenAI SDK over a sealed fetch: what an app sees is what it sees over the platform's.
import { test } from 'uvu';
import { eventsBehaviours } from './support/libraries/events-behaviours.ts';
import { openaiBehaviours } from './support/libraries/openai-behaviours.ts';
import { sameOverSealedFetch } from './support/libraries/twins.ts';

sameOverSealedFetch(eventsBehaviours);
sameOverSealedFetch(openaiBehaviours);

test.run();
