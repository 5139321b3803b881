import type OpenAI from 'openai';
import { toFile } from 'openai';
import { errorOf } from './errors.ts';
import { type Given, setUps } from './set-ups.ts';

const question = { model: 'gpt-local', messages: [{ role: 'user' as const, content: 'Tea?' }] };

function clientOf(given: Given): OpenAI {
  return typeof document === 'undefined' ? setUps.OpenAI(given) : setUps['OpenAI, in a page'](given);
}

export const openaiBehaviours: Record<string, (given: Given) => Promise<unknown>> = {
  'OpenAI: a completion': async (given) => {
    return (await clientOf(given).chat.completions.create(question)).choices;
  },
  'OpenAI: the deltas of a stream arrive one by one, each before the next is written': async (given) => {
    const stream = await clientOf(given).chat.completions.create({ ...question, stream: true });
    const deltas = [];
    for await (const { choices } of stream) {
      deltas.push(choices[0]?.delta.content);
      await given.sealedFetch(`${given.origin}/read`, { method: 'POST' });
    }
    return deltas;
  },
  'OpenAI: a stream that is aborted ends for the server, too': async (given) => {
    const stream = await clientOf(given).chat.completions.create({ ...question, stream: true });
    const deltas = [];
    for await (const { choices } of stream) {
      deltas.push(choices[0]?.delta.content);
      stream.controller.abort();
    }
    return [deltas, await closing(given)];
  },
  'OpenAI: a stream that is left ends for the server, too': async (given) => {
    const stream = await clientOf(given).chat.completions.create({ ...question, stream: true });
    for await (const _chunk of stream) break;
    return await closing(given);
  },
  'OpenAI: an upload': async (given) => {
    const text = `${'{"prompt":"ä"}\n'.repeat(20_000)}`;
    const file = await toFile(new Blob([text]), 'training.jsonl', { type: 'application/jsonl' });
    return await clientOf(given).files.create({ file, purpose: 'fine-tune' });
  },
  'OpenAI: it tries again, each time in an exchange of its own': (given) =>
    clientOf(given).embeddings.create({ model: 'e', input: 'tea', encoding_format: 'float' }),
  'OpenAI: an error status is the error of the SDK': async (given) => {
    const client = clientOf({ ...given, apiKey: 'wrong' });
    const error = await errorOf<InstanceType<typeof OpenAI.APIError>>(
      client.chat.completions.create(question),
    );
    return [error.constructor.name, error.status, error.code, error.message];
  },
  'OpenAI: a signal ends a call': async (given) => {
    const call = clientOf(given).chat.completions.create(question, { signal: AbortSignal.abort() });
    return (await errorOf<Error>(call)).constructor.name;
  },
};

/** How the stream ended for the server. */
async function closing({ sealedFetch, origin }: Given): Promise<unknown> {
  return (await sealedFetch(`${origin}/closed`)).json();
}
