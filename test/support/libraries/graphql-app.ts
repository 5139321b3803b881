import type { Application } from 'express';
import { buildSchema, GraphQLError, graphql } from 'graphql';
import type { Express } from '../cases.ts';

const schema = buildSchema(`
  type Note { id: ID! text: String! }
  type Query { note(id: ID!): Note! }
  type Mutation { add(text: String!): Note! }
`);

const resolvers = {
  note({ id }: { id: string }) {
    if (id === '0') throw new GraphQLError('no such note', { extensions: { code: 'NOT_FOUND' } });
    return { id, text: `note ${id}` };
  },
  add: ({ text }: { text: string }) => ({ id: '7', text }),
};

/** GraphQL over HTTP, as much of it as a client needs. `/graphql/down` is a server that is down. */
export function graphqlRoutes(app: Application, express: Express): void {
  app.post('/graphql', express.json(), async (req, res) => {
    const { query, variables: variableValues, operationName } = req.body;
    const authorization = req.get('authorization');
    const result = await graphql({
      schema,
      source: query,
      rootValue: resolvers,
      variableValues,
      operationName,
    });
    res.json({ ...result, extensions: { authorization } });
  });
  app.post('/graphql/down', (_req, res) => res.status(503).json({ errors: [{ message: 'down' }] }));
}
