// Every method goes sealed through Express, with and without a body, and what has no body is authenticated all the same.
import { decodeBase64Url, messageType } from '@sealwire/core';
import type { Application, Request, Response } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped } from './support/bytes.ts';
import { type Express, onExpress } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { assertProblem } from './support/problems.ts';
import { startSealed } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

const secret = 'gooseberry-4711';
let handled = 0;

function routes(app: Application, express: Express): void {
  handled = 0;
  app.use(express.text({ type: () => true }));
  app.all('/seen', (req: Request, res: Response) => {
    handled++;
    res
      .set('x-answer', secret)
      .json({ method: req.method, body: req.body ?? null, sealed: req.sealed?.n ?? null });
  });
}

const withBody = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const withoutBody = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

onExpress('every method that may have a body carries one sealed', async (express) => {
  const server = await startSealed(express, routes);
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  for (const [n, method] of withBody.entries()) {
    const response = await sealedFetch('/seen', { method, body: secret });
    assert.equal(await response.json(), { method, body: secret, sealed: n });
    const seen = network.exchanges.at(-1);
    assert.is(seen?.method, method);
    assert.is(seen?.headers.get('content-type'), messageType);
    assert.not.ok(Buffer.concat(seen?.sent ?? []).includes(secret));
  }
});

onExpress('every method goes without a body, its message in the header', async (express) => {
  const server = await startSealed(express, routes);
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  for (const [n, method] of withoutBody.entries()) {
    const response = await sealedFetch('/seen', { method });
    const { body, ...rest } = (await response.json()) as Record<string, unknown>;
    assert.equal(rest, { method, sealed: n });
    // Express 4 leaves an empty object, Express 5 nothing.
    assert.ok(body === null || Object.keys(body as object).length === 0);
    const seen = network.exchanges.at(-1);
    assert.is(seen?.method, method);
    assert.match(seen?.headers.get('sealwire') ?? '', /;h=[A-Za-z0-9_-]+$/);
    assert.is(seen?.sent.length, 0);
  }
});

onExpress('HEAD is a GET outside and a HEAD for the handler, and has no body', async (express) => {
  const methods: string[] = [];
  const server = await startSealed(express, (app) => {
    app.get('/page', (req, res) => {
      methods.push(req.method);
      res.set('x-answer', secret).send('twelve bytes');
    });
  });
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  const whole = await sealedFetch('/page');
  assert.is(await whole.text(), 'twelve bytes');
  const head = await sealedFetch('/page', { method: 'HEAD' });
  assert.is(head.status, 200);
  assert.is(head.headers.get('content-length'), '12');
  assert.is(head.headers.get('x-answer'), secret);
  assert.is(head.headers.get('etag'), whole.headers.get('etag'));
  assert.is(await head.text(), '');
  assert.equal(methods, ['GET', 'HEAD']);
  assert.is(network.exchanges[1]?.method, 'GET');
});

onExpress("a sealed GET's answer is sealed, body and fields", async (express) => {
  const server = await startSealed(express, routes);
  const network = recordingFetch();
  const response = await clientOf(server, { fetch: network })('/seen?name=value', {
    headers: { authorization: `Bearer ${secret}` },
  });
  assert.is(response.headers.get('x-answer'), secret);
  assert.is((await response.json()).method, 'GET');
  const [seen] = network.exchanges;
  assert.is(seen?.headers.get('authorization'), null);
  const headers = [...(seen?.responseHeaders ?? [])];
  assert.is(seen?.responseHeaders?.get('content-type'), messageType);
  assert.match(seen?.responseHeaders?.get('cache-control') ?? '', 'no-store');
  assert.match(seen?.responseHeaders?.get('vary') ?? '', 'Sealwire');
  assert.not.ok(
    headers.some(([name, value]) => name === 'x-answer' || name === 'etag' || value.includes(secret)),
  );
  assert.not.ok(Buffer.concat(seen?.received ?? []).includes(secret));
});

onExpress('no bit of a message in the header can be flipped', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  for (const method of ['GET', 'DELETE']) {
    const message = await wire.seal({ method, path: '/seen' });
    const before = handled;
    for (let bit = 0; bit < message.message.length * 8; bit += 7) {
      const altered = { ...message, message: flipped(message.message, bit) };
      assertProblem(await wire.send(altered), 'rejected');
    }
    assert.is(handled, before);
    // None of those counted: the number is still there for the message as it was sealed.
    const opened = await wire.open(message, await wire.send(message));
    assert.is(JSON.parse(opened.body.toString()).method, method);
    assert.is(handled, before + 1);
  }
});

onExpress('a message in the header does not authenticate for another method or target', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  assert.is((await wire.exchange({ method: 'DELETE', path: '/seen' })).status, 200);
  const message = await wire.seal({ method: 'DELETE', path: '/seen' });
  assert.is(
    decodeBase64Url(wire.headersOf(message)[0]?.[1].split('h=')[1] as string).length,
    message.message.length,
  );
  const elsewhere = await wire.open(message, await wire.send({ ...message, method: 'GET' }));
  assert.is(JSON.parse(elsewhere.body.toString()).code, 'target-mismatch');
  assert.is(handled, 1);
});

test.run();
