import type { SealedFetch } from '@sealwire/client';
import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  httpSubscriptionLink,
} from '@trpc/client';
import axios from 'axios';
import { EventSource } from 'eventsource';
import { GraphQLClient } from 'graphql-request';
import ky from 'ky';
import { ofetch } from 'ofetch';
import OpenAI from 'openai';
import createClient from 'openapi-fetch';
import wretch from 'wretch';
import type { paths } from './openapi-paths.ts';
import type { AppRouter } from './trpc-app.ts';

/** What is there before a library comes: a fetch, where the server is, and a key for who asks for one. */
export interface Given {
  readonly sealedFetch: SealedFetch;
  readonly origin: string;
  readonly apiKey: string;
}

/** The line that each library needs, by its name in docs/LIBRARIES.md, which shows just these. */
export const setUps = {
  ky: ({ sealedFetch, origin }: Given) => ky.create({ prefixUrl: origin, fetch: sealedFetch }),
  ofetch: ({ sealedFetch, origin }: Given) => ofetch.create({ baseURL: origin }, { fetch: sealedFetch }),
  wretch: ({ sealedFetch, origin }: Given) => wretch(origin).polyfills({ fetch: sealedFetch }),
  axios: ({ sealedFetch, origin }: Given) =>
    axios.create({ baseURL: origin, adapter: 'fetch', env: { fetch: sealedFetch } }),
  'openapi-fetch': ({ sealedFetch, origin }: Given) =>
    createClient<paths>({ baseUrl: origin, fetch: sealedFetch }),
  'graphql-request': ({ sealedFetch, origin }: Given) =>
    new GraphQLClient(`${origin}/graphql`, { fetch: sealedFetch }),
  eventsource: ({ sealedFetch, origin }: Given) =>
    new EventSource(`${origin}/events`, { fetch: sealedFetch }),
  OpenAI: ({ sealedFetch, origin, apiKey }: Given) =>
    new OpenAI({ apiKey, baseURL: `${origin}/v1`, fetch: sealedFetch }),
  'OpenAI, in a page': ({ sealedFetch, origin, apiKey }: Given) =>
    new OpenAI({ apiKey, baseURL: `${origin}/v1`, fetch: sealedFetch, dangerouslyAllowBrowser: true }),
  'tRPC, httpBatchLink': ({ sealedFetch, origin }: Given) =>
    createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: `${origin}/trpc`, fetch: sealedFetch })] }),
  'tRPC, httpLink': ({ sealedFetch, origin }: Given) =>
    createTRPCClient<AppRouter>({ links: [httpLink({ url: `${origin}/trpc`, fetch: sealedFetch })] }),
  'tRPC, httpBatchStreamLink': ({ sealedFetch, origin }: Given) =>
    createTRPCClient<AppRouter>({
      links: [httpBatchStreamLink({ url: `${origin}/trpc`, fetch: sealedFetch })],
    }),
  'tRPC, httpSubscriptionLink': ({ sealedFetch, origin }: Given) =>
    createTRPCClient<AppRouter>({
      links: [
        httpSubscriptionLink({
          url: `${origin}/trpc`,
          EventSource,
          eventSourceOptions: { fetch: sealedFetch },
        }),
      ],
    }),
};
