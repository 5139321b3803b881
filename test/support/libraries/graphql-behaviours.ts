import { type ClientError, GraphQLClient, gql } from 'graphql-request';
import { errorOf } from './errors.ts';
import { type Given, setUps } from './set-ups.ts';

const noteQuery = gql`query Note($id: ID!) { note(id: $id) { id text } }`;

export const graphqlBehaviours: Record<string, (given: Given) => Promise<unknown>> = {
  'graphql-request: a query and a mutation with variables': async (given) => {
    const client = setUps['graphql-request'](given);
    return [
      await client.request(noteQuery, { id: '3' }),
      await client.request(gql`mutation ($text: String!) { add(text: $text) { id text } }`, { text: 'ä 😀' }),
    ];
  },
  'graphql-request: fields of the caller arrive': async (given) => {
    const client = setUps['graphql-request'](given).setHeader('authorization', 'Bearer mine');
    const { status, data, extensions } = await client.rawRequest(noteQuery, { id: '3' });
    return { status, data, extensions };
  },
  'graphql-request: an error of a resolver': async (given) => {
    const client = setUps['graphql-request'](given);
    const { response } = await errorOf<ClientError>(client.request(noteQuery, { id: '0' }));
    return [response.status, response.errors?.map(({ message, extensions }) => [message, extensions])];
  },
  'graphql-request: a status that is an error': async ({ sealedFetch, origin }) => {
    const client = new GraphQLClient(`${origin}/graphql/down`, { fetch: sealedFetch });
    const { response } = await errorOf<ClientError>(client.request(noteQuery, { id: '3' }));
    return [response.status, response.errors];
  },
  'graphql-request: a signal that is aborted': async (given) => {
    const client = setUps['graphql-request'](given);
    const error = await errorOf<Error>(
      client.request({ document: noteQuery, variables: { id: '3' }, signal: AbortSignal.abort() }),
    );
    return error.name;
  },
};
