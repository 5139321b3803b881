import { errorOf } from './errors.ts';
import { type Ability, type Advance, type RestClient, restClients } from './rest-clients.ts';
import { type Given, setUps } from './set-ups.ts';

/** One thing that an app does with a library: returns what the app sees of it. */
type Behaviour = (client: RestClient) => Promise<unknown>;

/** Longer than what a client reads ahead of a body to find out its length. */
const large = 300_000;

/** What every one of them can. */
const common: Record<string, Behaviour> = {
  'JSON, a query and fields go out, JSON comes in': (client) =>
    client.send('POST', 'echo', {
      query: { page: 2, q: 'a b&c' },
      headers: { authorization: 'Bearer mine' },
      body: { item: 'tea', text: 'ä€😀' },
    }),
  'every method': async (client) => {
    const answers = [];
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      answers.push(await client.send(method, 'echo', method === 'GET' ? {} : { body: { method } }));
    }
    return answers;
  },
  'a large body arrives whole': async (client) => {
    const { body } = (await client.send('POST', 'echo', { body: { text: 'x'.repeat(large) } })) as {
      body: { text: string };
    };
    return body.text.length;
  },
  'an error status is the error of the library': async (client) => {
    const refusals = [];
    for (const status of [400, 404, 422, 500]) refusals.push(await client.refused(`status/${status}`));
    return refusals;
  },
  'it does not try a POST again unless it is told to': async (client) => {
    await errorOf(client.send('POST', 'flaky', { query: { failures: 9 }, body: { item: 'tea' } }));
    return await client.send('GET', 'flaky/calls');
  },
  'a signal ends a call, also for the server': async (client) => {
    const controller = new AbortController();
    const call = errorOf<Error>(client.send('POST', 'silent', { signal: controller.signal, body: { a: 1 } }));
    const arrived = await client.send('GET', 'silent/arrived');
    controller.abort();
    return [arrived, (await call).name, await client.send('GET', 'silent/gone')];
  },
  'a form with files': (client) => client.send('POST', 'upload', { body: form(1000) }),
  'a form with a large file': (client) => client.send('POST', 'upload', { body: form(large) }),
  'a body that is read part by part, as it is written': async (client) => {
    const parts = [];
    const decoder = new TextDecoder();
    const reader = (await client.stream('parts?count=5')).getReader();
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      parts.push(decoder.decode(value));
      await client.send('POST', 'parts/read');
    }
    return parts;
  },
  'redirects are followed': async (client) => [
    await client.send('GET', 'redirect/302'),
    await client.send('POST', 'redirect/303', { body: { item: 'tea' } }),
    await client.send('POST', 'redirect/307', { body: { item: 'tea' } }),
  ],
  'no content': async (client) => [
    (await client.send('GET', 'empty')) ?? null,
    (await client.send('DELETE', 'empty')) ?? null,
  ],
  'its hooks see and change every call': async (client) => {
    const statuses: number[] = [];
    const answer = await client.hooked(statuses)('POST', 'echo', { body: { item: 'tea' } });
    return [answer, statuses];
  },
};

const special: Record<Ability, Record<string, Behaviour>> = {
  retries: {
    'it tries a GET again, each time in an exchange of its own': async (client) => {
      return await client.send('GET', 'flaky', { query: { failures: 2 }, retries: 2 });
    },
    'it tries a POST again where it is told to, with the same body': async (client) => {
      return await client.send('POST', 'flaky', {
        query: { failures: 2 },
        retries: 2,
        body: { item: 'tea' },
      });
    },
  },
  timeouts: {
    'its time limit ends a call, also for the server': async (client) => {
      const { name } = await errorOf<Error>(client.send('GET', 'silent', { timeout: 300, retries: 0 }));
      return [name, await client.send('GET', 'silent/gone')];
    },
  },
  progress: {
    'it reports how far an upload is': async (client) => {
      const advances: Advance[] = [];
      const answer = await client.upload?.('upload', form(large), (advance) => advances.push(advance));
      return [answer, outline(advances)];
    },
    'it reports how far a download is': async (client) => {
      const advances: Advance[] = [];
      const text = await client.download?.('status/200', (advance) => advances.push(advance));
      return [text, outline(advances)];
    },
  },
};

/** Each library with each of them that it can. */
const ofClients: Record<string, (given: Given) => Promise<unknown>> = Object.fromEntries(
  Object.entries(restClients).flatMap(([library, { make, abilities }]) =>
    [common, ...abilities.map((ability) => special[ability])]
      .flatMap((behaviours) => Object.entries(behaviours))
      .map(([name, behave]) => [`${library}: ${name}`, (given: Given) => behave(make(given))]),
  ),
);

export const restBehaviours: Record<string, (given: Given) => Promise<unknown>> = {
  ...ofClients,
  'openapi-fetch: what a description has types for': async (given) => {
    const api = setUps['openapi-fetch'](given);
    const posted = await api.POST('/echo', { params: { query: { page: 2 } }, body: { item: 'tea' } });
    const missing = await api.GET('/status/{code}', { params: { path: { code: 404 } } });
    return [posted.data?.query, posted.data?.body, missing.error?.error, missing.response.status];
  },
};

function form(size: number): FormData {
  const data = new FormData();
  data.append('title', 'ä title');
  data.append('file', new Blob([new Uint8Array(size).fill(7)], { type: 'image/png' }), 'a picture.png');
  return data;
}

/** That it rises, and where it ends. How often it is told depends on chunks, and the length of a form on its boundary. */
function outline(advances: readonly Advance[]): unknown {
  const { loaded = 0, total } = advances.at(-1) ?? {};
  const rising = advances.every((advance, index) => advance.loaded >= (advances[index - 1]?.loaded ?? 0));
  return { some: advances.length > 0, rising, complete: total === undefined ? 'unknown' : loaded === total };
}
