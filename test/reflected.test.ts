// A message is good for one direction of one exchange: what the server said is no request, what the client said is no
// response, and the response to one request is none to another.
import { messageType } from '@sealwire/core';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { onExpress } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { assertProblem, thrown } from './support/problems.ts';
import { startSealed } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

let handled = 0;

function routes(app: Application): void {
  handled = 0;
  app.all('/echo', (req, res) => {
    handled++;
    req.pipe(res);
  });
}

onExpress("a server's response is no request", async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const message = await wire.seal({ path: '/echo', body: 'there and back' });
  const response = await wire.send(message);
  assert.is((await wire.open(message, response)).body.toString(), 'there and back');
  assert.is(handled, 1);
  for (const n of [message.n, wire.nextNumber()]) {
    const reflected = { ...message, n, message: response.body };
    assertProblem(await wire.send(reflected), 'rejected');
  }
  assert.is(handled, 1);
});

onExpress("a client's request is no response", async (express) => {
  const server = await startSealed(express, routes);
  let reflect = false;
  const network = recordingFetch({
    response: (_response, _url, { body }) =>
      reflect ? new Response(body ?? null, { headers: { 'content-type': messageType } }) : undefined,
  });
  const sealedFetch = clientOf(server, { fetch: network });
  const init = { method: 'POST', body: 'there and back' };
  assert.is(await (await sealedFetch('/echo', init)).text(), 'there and back');
  reflect = true;
  await thrown(sealedFetch('/echo', init), 'rejected');
});

onExpress('the response of one exchange is none of another', async (express) => {
  const server = await startSealed(express, routes);
  let kept: Promise<ArrayBuffer> | undefined;
  let swap = false;
  const network = recordingFetch({
    async response(response, url) {
      if (!url.endsWith('/echo')) return undefined;
      const { status, headers } = response;
      if (swap) return new Response(await (kept as Promise<ArrayBuffer>), { status, headers });
      kept = response.arrayBuffer();
      return new Response(await kept, { status, headers });
    },
  });
  const sealedFetch = clientOf(server, { fetch: network });
  const init = { method: 'POST', body: 'same body' };
  assert.is(await (await sealedFetch('/echo', init)).text(), 'same body');
  swap = true;
  await thrown(sealedFetch('/echo', init), 'rejected');
  swap = false;
  assert.is(await (await sealedFetch('/echo', init)).text(), 'same body');
});

onExpress('a message of one session is none of another', async (express) => {
  const server = await startSealed(express, routes);
  const [one, two] = [await WireClient.connect(server), await WireClient.connect(server)];
  const message = await one.seal({ path: '/echo', body: 'mine' });
  assertProblem(await two.send(message), 'rejected');
  assert.is(handled, 0);
  assert.is((await one.open(message, await one.send(message))).body.toString(), 'mine');
});

test.run();
