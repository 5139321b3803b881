// A feed reaches the client event by event: each one is there before the handler writes the next.
import type { Application, Response } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Arrivals, deferred, onExpress, within } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { RawConnection } from './support/raw-http.ts';
import { startSealed } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

/** A feed that writes what the test says, when the test says it. */
function feed() {
  const opened = new Arrivals<Response>();
  const closed = deferred();
  const routes = (app: Application) => {
    app.get('/feed', (req, res) => {
      res.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache',
        'x-last': req.get('last-event-id') ?? 'none',
      });
      res.on('close', () => closed.resolve());
      opened.push(res);
    });
  };
  return { opened, closed, routes };
}

onExpress('the head and every event arrive before the next is written', async (express) => {
  const { opened, closed, routes } = feed();
  const server = await startSealed(express, routes);
  const network = recordingFetch();
  const answer = clientOf(server, { fetch: network })('/feed', { headers: { 'last-event-id': '41' } });
  const res = await opened.next('the handler');
  res.flushHeaders();
  const response = await within(answer, 'the head before any event');
  assert.is(response.headers.get('content-type'), 'text/event-stream');
  assert.is(response.headers.get('x-last'), '41');
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  for (let i = 0; i < 20; i++) {
    const event = `id: ${i}\ndata: ${'x'.repeat(i * 50)}\n\n`;
    res.write(event);
    const { value } = await within(reader.read(), `event ${i}`);
    assert.is(Buffer.from(value as Uint8Array).toString(), event);
  }
  res.end('data: last\n\n');
  assert.is(Buffer.from((await reader.read()).value as Uint8Array).toString(), 'data: last\n\n');
  assert.ok((await reader.read()).done);
  await within(closed.promise, 'close of the response');
  assert.not.ok(Buffer.concat(network.exchanges[0]?.received ?? []).includes('data:'));
});

onExpress('a write before any flush carries the head with it', async (express) => {
  const { opened, routes } = feed();
  const server = await startSealed(express, routes);
  const answer = clientOf(server)('/feed');
  const res = await opened.next('the handler');
  res.write('data: first\n\n');
  const response = await within(answer, 'the head');
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const { value } = await within(reader.read(), 'the first event');
  assert.is(Buffer.from(value as Uint8Array).toString(), 'data: first\n\n');
  res.end();
  assert.ok((await reader.read()).done);
});

onExpress('on the wire a feed is one record a write, and none for an empty one', async (express) => {
  const { opened, routes } = feed();
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const message = await wire.seal({ path: '/feed' });
  const connection = await RawConnection.open(server.port);
  await wire.write(message, { connection });
  const res = await opened.next('the handler');
  res.flushHeaders();
  const head = await connection.responseHead();
  assert.is(head.headers['transfer-encoding'], 'chunked');
  const body = connection.body(head);
  const opener = wire.opener(message);
  const more = async () => opener.push((await within(body.next(), 'bytes')) as Buffer);
  while ((await more()).length === 0 && !headIsThere()) {}
  assert.is(opener.opened.records.length, 1);
  for (const event of ['one', 'two', 'three']) {
    res.write(event);
    res.write('');
    let got = '';
    while (got.length < event.length) got += (await more()).toString();
    assert.is(got, event);
  }
  assert.equal(opener.opened.records.slice(1), [
    { kind: 'more', length: 3 },
    { kind: 'more', length: 3 },
    { kind: 'more', length: 5 },
  ]);
  res.end();
  while (!opener.opened.complete) await more();
  assert.is(await body.next(), undefined);
  assert.ok(body.complete);

  function headIsThere(): boolean {
    try {
      return opener.opened.status === 200;
    } catch {
      return false;
    }
  }
});

onExpress('a client that leaves a feed ends it for the handler', async (express) => {
  const { opened, closed, routes } = feed();
  const server = await startSealed(express, routes);
  const controller = new AbortController();
  const answer = clientOf(server)('/feed', { signal: controller.signal });
  const res = await opened.next('the handler');
  res.write('data: one\n\n');
  const response = await answer;
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  controller.abort();
  await within(closed.promise, 'close of the response');
  assert.is(res.writableFinished, false);
  const error = await reader.read().catch((reason: unknown) => reason);
  assert.is((error as Error).name, 'AbortError');
});

test.run();
