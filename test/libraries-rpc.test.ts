// tRPC and GraphQL over a sealed fetch: what an app sees is what it sees over the platform's.
import { test } from 'uvu';
import { graphqlBehaviours } from './support/libraries/graphql-behaviours.ts';
import { trpcBehaviours } from './support/libraries/trpc-behaviours.ts';
import { sameOverSealedFetch } from './support/libraries/twins.ts';

sameOverSealedFetch(trpcBehaviours);
sameOverSealedFetch(graphqlBehaviours);

test.run();
