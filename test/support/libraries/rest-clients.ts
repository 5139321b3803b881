import type { HTTPError } from 'ky';
import type { FetchError } from 'ofetch';
import type { WretchError } from 'wretch';
import AbortAddon from 'wretch/addons/abort';
import QueryStringAddon from 'wretch/addons/queryString';
import { retry as retrying } from 'wretch/middlewares';
import { errorOf } from './errors.ts';
import { type Given, setUps } from './set-ups.ts';

export interface Call {
  readonly query?: Record<string, string | number>;
  readonly headers?: Record<string, string>;
  /** Sent as JSON, or as it is if it is a form. */
  readonly body?: object;
  readonly signal?: AbortSignal;
  /** Milliseconds. */
  readonly timeout?: number;
  /** How often to try again. Default: what the library does. */
  readonly retries?: number;
}

/** How far a body is, in bytes. */
export type Advance = { loaded: number; total: number | undefined };

/** What the libraries for HTTP have in common, each in its own words. Paths have no slash in front. */
export interface RestClient {
  /** The body of the response, parsed. */
  send(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, call?: Call): Promise<unknown>;
  /** What the library tells of a status that is an error. */
  refused(path: string): Promise<{ status: number | undefined; body: unknown; name: string }>;
  stream(path: string): Promise<ReadableStream<Uint8Array>>;
  /** The same with hooks, interceptors or middleware: `authorization` is set, and the status of each response is noted. */
  hooked(statuses: number[]): RestClient['send'];
  upload?(path: string, body: FormData, progress: (advance: Advance) => void): Promise<unknown>;
  download?(path: string, progress: (advance: Advance) => void): Promise<unknown>;
}

/** JSON, unless it is a form. */
function bodyOf(body: object | undefined): { json?: unknown; body?: FormData } {
  if (body === undefined) return {};
  return body instanceof FormData ? { body } : { json: body };
}

function kyClient(given: Given): RestClient {
  const client = (api: ReturnType<typeof setUps.ky>): RestClient['send'] => {
    return async (method, path, { query, body, retries, ...rest } = {}) => {
      const retry =
        retries === undefined
          ? {}
          : { retry: { limit: retries, methods: [method.toLowerCase()], delay: () => 1 } };
      const asked = { method, ...rest, ...retry, ...(query && { searchParams: query }), ...bodyOf(body) };
      return await api(path, asked as object).json();
    };
  };
  const api = setUps.ky(given);
  const advance = (progress: (advance: Advance) => void) => {
    return ({ transferredBytes, totalBytes }: { transferredBytes: number; totalBytes: number }) => {
      progress({ loaded: transferredBytes, total: totalBytes });
    };
  };
  return {
    send: client(api),
    async refused(path) {
      const { name, response } = await errorOf<HTTPError>(api(path, { retry: 0 }).json());
      return { name, status: response.status, body: await response.json() };
    },
    async stream(path) {
      return (await api(path)).body as ReadableStream<Uint8Array>;
    },
    hooked(statuses) {
      return client(
        api.extend({
          hooks: {
            beforeRequest: [(request) => request.headers.set('authorization', 'Bearer hooked')],
            afterResponse: [(_request, _options, { status }) => void statuses.push(status)],
          },
        }),
      );
    },
    upload: (path, body, progress) => api.post(path, { body, onUploadProgress: advance(progress) }).json(),
    download: (path, progress) => api(path, { onDownloadProgress: advance(progress) }).text(),
  };
}

function ofetchClient(given: Given): RestClient {
  const client = (api: ReturnType<typeof setUps.ofetch>): RestClient['send'] => {
    return (method, path, { retries, ...rest } = {}) => {
      return api(path, { method, ...rest, ...(retries !== undefined && { retry: retries, retryDelay: 1 }) });
    };
  };
  const api = setUps.ofetch(given);
  return {
    send: client(api),
    async refused(path) {
      const { name, status, data } = await errorOf<FetchError>(api(path, { retry: false }));
      return { name, status, body: data };
    },
    stream: (path) => api(path, { responseType: 'stream' }),
    hooked(statuses) {
      return client(
        api.create({
          onRequest: ({ options }) => options.headers.set('authorization', 'Bearer hooked'),
          onResponse: ({ response }) => void statuses.push(response.status),
        }),
      );
    },
  };
}

function wretchClient(given: Given): RestClient {
  const api = setUps.wretch(given).addon(QueryStringAddon).addon(AbortAddon());
  const client = (base: typeof api): RestClient['send'] => {
    return async (method, path, { query = {}, headers = {}, body, signal, timeout, retries } = {}) => {
      let call = base.url(`/${path}`).query(query).headers(headers);
      if (signal) call = call.options({ signal });
      if (retries) {
        const again = {
          maxAttempts: retries,
          delayTimer: 1,
          until: (response?: Response) => response?.ok === true,
        };
        call = call.middlewares([retrying(again)]);
      }
      if (body instanceof FormData) call = call.body(body);
      else if (body) call = call.json(body);
      const controller = timeout === undefined ? undefined : new AbortController();
      const asked = controller ? call.signal(controller).fetch(method) : call.fetch(method);
      const resolved = controller ? asked.setTimeout(timeout as number, controller) : asked;
      const text = await resolved.text();
      return text === '' ? undefined : JSON.parse(text);
    };
  };
  return {
    send: client(api),
    async refused(path) {
      const error = await errorOf<WretchError>(api.url(`/${path}`).get().json());
      return { name: error.constructor.name, status: error.status, body: error.json };
    },
    async stream(path) {
      return (await api.url(`/${path}`).get().res()).body as ReadableStream<Uint8Array>;
    },
    hooked(statuses) {
      const noting = (next: (url: string, options: object) => Promise<Response>) => {
        return async (url: string, options: object) => {
          const response = await next(url, options);
          statuses.push(response.status);
          return response;
        };
      };
      return client(api.auth('Bearer hooked').middlewares([noting]));
    },
  };
}

function axiosClient(given: Given): RestClient {
  const client = (api: ReturnType<typeof setUps.axios>): RestClient['send'] => {
    return async (method, url, { query = {}, body, headers, ...rest } = {}) => {
      // As its postForm() does: in Node it would say that a form is urlencoded.
      const form = body instanceof FormData ? { 'content-type': 'multipart/form-data' } : {};
      const asked = { method, url, params: query, headers: { ...form, ...headers }, ...rest };
      return (await api.request({ ...asked, ...(body && { data: body }) })).data;
    };
  };
  const api = setUps.axios(given);
  const advance = (progress: (advance: Advance) => void) => {
    return ({ loaded, total }: { loaded: number; total?: number }) => progress({ loaded, total });
  };
  return {
    send: client(api),
    async refused(path) {
      const { name, response } = await errorOf<Error & { response: { status: number; data: unknown } }>(
        api.get(path),
      );
      return { name, status: response.status, body: response.data };
    },
    async stream(path) {
      return (await api.get(path, { responseType: 'stream' })).data;
    },
    hooked(statuses) {
      const own = setUps.axios(given);
      own.interceptors.request.use((config) => {
        config.headers.set('authorization', 'Bearer hooked');
        return config;
      });
      own.interceptors.response.use((response) => {
        statuses.push(response.status);
        return response;
      });
      return client(own);
    },
    async upload(path, body, progress) {
      return (await api.post(path, body, { onUploadProgress: advance(progress) })).data;
    },
    async download(path, progress) {
      return (await api.get(path, { onDownloadProgress: advance(progress) })).data;
    },
  };
}

interface OpenapiCalls {
  request(
    method: string,
    path: string,
    init: object,
  ): Promise<{ data?: unknown; error?: unknown; response: Response }>;
}

function openapiClient(given: Given): RestClient {
  // The types know the routes of a description; these calls go to any.
  const client = (api: ReturnType<(typeof setUps)['openapi-fetch']>): RestClient['send'] => {
    return async (method, path, { query, ...rest } = {}) => {
      const form = rest.body instanceof FormData ? { bodySerializer: (body: FormData) => body } : {};
      const asked = { ...rest, ...form, ...(query && { params: { query } }) };
      const { data, error } = await (api as OpenapiCalls).request(method, `/${path}`, asked);
      if (error !== undefined) throw error;
      return data;
    };
  };
  const api = setUps['openapi-fetch'](given);
  return {
    send: client(api),
    async refused(path) {
      const { error, response } = await (api as OpenapiCalls).request('GET', `/${path}`, {});
      return { name: 'error', status: response.status, body: error };
    },
    async stream(path) {
      const { data } = await (api as OpenapiCalls).request('GET', `/${path}`, { parseAs: 'stream' });
      return data as ReadableStream<Uint8Array>;
    },
    hooked(statuses) {
      const own = setUps['openapi-fetch'](given);
      own.use({
        onRequest: ({ request }) => request.headers.set('authorization', 'Bearer hooked'),
        onResponse: ({ response }) => void statuses.push(response.status),
      });
      return client(own);
    },
  };
}

/** What only some of them can do by themselves. */
export type Ability = 'retries' | 'timeouts' | 'progress';

/** The libraries for HTTP, each over the fetch that it is given. */
export const restClients: Record<
  string,
  { make: (given: Given) => RestClient; abilities: readonly Ability[] }
> = {
  ky: { make: kyClient, abilities: ['retries', 'timeouts', 'progress'] },
  ofetch: { make: ofetchClient, abilities: ['retries', 'timeouts'] },
  wretch: { make: wretchClient, abilities: ['retries', 'timeouts'] },
  axios: { make: axiosClient, abilities: ['timeouts', 'progress'] },
  'openapi-fetch': { make: openapiClient, abilities: [] },
};
