import type { startTwins } from '../twins.ts';
import { eventsRoutes } from './events-app.ts';
import { graphqlRoutes } from './graphql-app.ts';
import { openaiRoutes } from './openai-app.ts';
import { restRoutes } from './rest-app.ts';
import { trpcRoutes } from './trpc-app.ts';

/** What all the libraries call. */
export const libraryRoutes: Parameters<typeof startTwins>[1] = (app, express) => {
  restRoutes(app, express);
  trpcRoutes(app);
  graphqlRoutes(app, express);
  eventsRoutes(app);
  openaiRoutes(app, express);
};

/** The fields of libraries that are not in the table of Sealwire, as docs/LIBRARIES.md lists them. */
export const libraryFields = ['trpc-accept', 'x-stainless-*'];
