import { eventsBehaviours } from './events-behaviours.ts';
import { graphqlBehaviours } from './graphql-behaviours.ts';
import { openaiBehaviours } from './openai-behaviours.ts';
import { restBehaviours } from './rest-behaviours.ts';
import type { Given } from './set-ups.ts';
import { trpcBehaviours } from './trpc-behaviours.ts';

/** What apps do with the libraries, each by its name, which begins with the name of the library. */
export const behaviours: Record<string, (given: Given) => Promise<unknown>> = {
  ...restBehaviours,
  ...trpcBehaviours,
  ...graphqlBehaviours,
  ...eventsBehaviours,
  ...openaiBehaviours,
};

export const libraries = [...new Set(Object.keys(behaviours).map(libraryOf))];

export function libraryOf(name: string): string {
  return name.split(/[,:]/, 1)[0] as string;
}
