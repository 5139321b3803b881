// Libraries over a sealed fetch: what they say when the network fails, and when Sealwire refuses.
import { isSealwireError, type SealwireError } from '@sealwire/client';
import express from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { libraryFields, libraryRoutes } from './support/libraries/app.ts';
import { errorOf } from './support/libraries/errors.ts';
import { restClients } from './support/libraries/rest-clients.ts';
import { type Given, setUps } from './support/libraries/set-ups.ts';
import { platformFetch } from './support/libraries/twins.ts';
import { listen, startSealed } from './support/servers.ts';

const apiKey = 'sk-test';
const question = { model: 'gpt-local', messages: [{ role: 'user' as const, content: 'Tea?' }] };

for (const [library, { make }] of Object.entries(restClients)) {
  it(`${library}: a server that is gone is a fault of the network, as without Sealwire`, async () => {
    const { origin, close } = await listen();
    await close();
    const faultOver = async (sealedFetch: Given['sealedFetch']) => {
      const client = make({ sealedFetch, origin, apiKey });
      const { name, code } = await errorOf<Error & { code?: string }>(
        client.send('GET', 'echo', { retries: 0 }),
      );
      return { name, code };
    };
    assert.equal(await faultOver(clientOf({ origin })), await faultOver(platformFetch));
  });

  it(`${library}: a field that nobody listed is an error that names it`, async () => {
    const server = await startSealed(express, libraryRoutes);
    const client = make({ sealedFetch: clientOf(server), origin: server.origin, apiKey });
    const call = client.send('GET', 'echo', { headers: { 'x-mine': '1' }, retries: 0 });
    assert.match(refusalIn(await errorOf(call)).message, 'x-mine');
  });
}

it('the OpenAI SDK and the stream link of tRPC send fields that nobody listed, and say which', async () => {
  const server = await startSealed(express, libraryRoutes);
  const given = { sealedFetch: clientOf(server), origin: server.origin, apiKey };
  const completion = setUps.OpenAI(given).chat.completions.create(question, { maxRetries: 0 });
  assert.match(refusalIn(await errorOf(completion)).message, 'x-stainless-');
  const query = setUps['tRPC, httpBatchStreamLink'](given).hello.query({ name: 'tea' });
  assert.match(refusalIn(await errorOf(query)).message, 'trpc-accept');
});

it('listed by the server they are sealed', async () => {
  const server = await startSealed(express, libraryRoutes, { fields: libraryFields });
  const { outside } = await callsOver(server);
  assert.equal(outside, []);
});

it('listed by the client they travel in clear, and nothing else does', async () => {
  const server = await startSealed(express, libraryRoutes);
  const { outside } = await callsOver(server, libraryFields);
  assert.ok(outside.includes('x-stainless-lang') && outside.includes('trpc-accept'));
  assert.equal(
    outside.filter((name) => name !== 'trpc-accept' && !name.startsWith('x-stainless-')),
    [],
  );
});

it('a field of a tracer travels in clear where the client lists it', async () => {
  const seen: unknown[] = [];
  const server = await startSealed(express, (app) => {
    app.get('/', (req, res) => {
      seen.push(req.headers.traceparent);
      res.end();
    });
  });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const network = recordingFetch();
  const sealedFetch = clientOf(server, {
    fetch: network,
    outerFields: ['traceparent', 'tracestate', 'baggage'],
  });
  await sealedFetch('/', { headers: { traceparent } });
  assert.equal(seen, [traceparent]);
  assert.is(network.exchanges[0]?.headers.get('traceparent'), traceparent);
});

/** Names of the fields outside that are the libraries' own, when OpenAI's SDK and tRPC have been served. */
async function callsOver(
  server: { origin: string; pin: string },
  outerFields: readonly string[] = [],
): Promise<{ outside: string[] }> {
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network, outerFields });
  const given = { sealedFetch, origin: server.origin, apiKey };
  await setUps.OpenAI(given).chat.completions.create(question);
  await setUps['tRPC, httpBatchStreamLink'](given).hello.query({ name: 'tea' });
  const envelope = ['content-type', 'sealwire', 'user-agent'];
  const names = network.exchanges.flatMap(({ headers }) => [...headers.keys()]);
  return { outside: [...new Set(names)].filter((name) => !envelope.includes(name)) };
}

/** The refusal of Sealwire in what a library throws: as it is, or as the cause. */
function refusalIn(error: unknown): SealwireError {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (isSealwireError(each, 'field-not-listed')) return each;
  }
  throw new Error('no refusal of Sealwire', { cause: error });
}

test.run();
