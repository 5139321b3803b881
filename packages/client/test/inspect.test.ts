// What is told of a call to whoever inspects: both sides, in order, and no keys.
import type { InspectEvent, SealedFetch } from '@sealwire/client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { startSealedNode } from '../../../test/support/servers.ts';

function startServer() {
  return startSealedNode((req, res) => {
    if (req.url === '/moved') res.writeHead(303, { location: '/echo' }).end();
    else if (req.url === '/cut') {
      res.write('beginning');
      setTimeout(() => res.destroy(), 20);
    } else req.pipe(res.writeHead(201, { 'x-inside': 'yes' }));
  });
}

/** The events of a client, as they come. */
async function inspected(sealedFetch: SealedFetch, options?: { bodies: boolean }) {
  const events: InspectEvent[] = [];
  const stop = await sealedFetch.inspect((event) => events.push(event), options);
  const of = <Type extends InspectEvent['type']>(type: Type) =>
    events.filter((event) => event.type === type) as Extract<InspectEvent, { type: Type }>[];
  return { events, of, stop };
}

const post = { method: 'POST', body: 'gooseberry', headers: { 'x-api-key': 'medlar' } };

it('a call from its start to its end, inside and outside', async () => {
  const server = await startServer();
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  const { events, of } = await inspected(sealedFetch);
  await (await sealedFetch('/echo', post)).text();
  const calls = events.filter(({ id }) => id !== 0);
  assert.equal(
    calls.map(({ type }) => type),
    ['started', 'sent', 'received', 'head', 'opened', 'ended'],
  );
  const [started, sent, head] = [of('started')[0], of('sent')[0], of('head')[0]];
  assert.equal([started?.method, started?.url, started?.size], ['POST', `${server.origin}/echo`, 10]);
  const wire = network.exchanges[0];
  assert.equal([sent?.method, sent?.n, sent?.size], ['POST', 0, wire?.sent[0]?.length]);
  assert.ok(started?.headers.some(([name, value]) => name === 'x-api-key' && value === 'medlar'));
  assert.not.ok(sent?.headers.some(([name]) => name === 'x-api-key'));
  assert.equal([head?.status, head?.outer.status], [201, wire?.status]);
  assert.ok(head?.headers.some(([name]) => name === 'x-inside'));
  const total = (type: 'received' | 'opened') => of(type).reduce((sum, { size }) => sum + size, 0);
  assert.is(total('opened'), 10);
  assert.is(
    total('received'),
    wire?.received.reduce((sum, { length }) => sum + length, 0),
  );
  const times = events.map(({ at }) => at);
  assert.equal(
    times,
    [...times].sort((a, b) => a - b),
  );
});

it('bodies come only if they were asked for, plaintext and ciphertext; keys never', async () => {
  const server = await startServer();
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  const [without, withBodies] = [
    await inspected(sealedFetch),
    await inspected(sealedFetch, { bodies: true }),
  ];
  await (await sealedFetch('/echo', post)).text();
  assert.not.ok(without.events.some((event) => 'body' in event));
  const { of } = withBodies;
  assert.equal(Buffer.from(of('started')[0]?.body as Uint8Array), Buffer.from('gooseberry'));
  assert.equal(Buffer.from(of('opened')[0]?.body as Uint8Array), Buffer.from('gooseberry'));
  assert.equal(of('sent')[0]?.body, network.exchanges[0]?.sent[0]);
  const received = Buffer.concat(of('received').map(({ body }) => body as Uint8Array));
  assert.equal(received, Buffer.concat(network.exchanges[0]?.received ?? []));
  for (const event of withBodies.events) {
    const names = ['type', 'id', 'at', 'n', 'method', 'url', 'headers', 'size', 'body', 'status', 'outer'];
    for (const name of Object.keys(event)) assert.ok([...names, 'suite', 'took'].includes(name), name);
  }
});

it('a handshake, a redirect, a request that is sent again', async () => {
  const server = await startServer();
  let confused = true;
  const network = recordingFetch({
    request(url) {
      if (!confused || !url.endsWith('/echo')) return undefined;
      confused = false;
      const problem = { type: 'urn:sealwire:problem:unknown-session', code: 'unknown-session', status: 409 };
      const headers = { 'content-type': 'application/problem+json' };
      return new Response(JSON.stringify(problem), { status: 409, headers });
    },
  });
  const sealedFetch = clientOf(server, { fetch: network });
  const { of } = await inspected(sealedFetch);
  await (await sealedFetch('/moved')).text();
  assert.equal(
    of('handshake').map(({ id, suite }) => [id, suite]),
    [
      [0, 'X25519'],
      [0, 'X25519'],
    ],
  );
  assert.equal(
    of('redirected').map(({ status, url }) => [status, url]),
    [[303, `${server.origin}/echo`]],
  );
  assert.equal(
    of('resent').map(({ code }) => code),
    ['unknown-session'],
  );
  assert.equal(
    of('sent').map(({ url }) => new URL(url).pathname),
    ['/moved', '/echo', '/echo'],
  );
});

it('a call that fails, before its head and after it, and a handshake that does', async () => {
  const server = await startServer();
  const sealedFetch = clientOf(server);
  const { of } = await inspected(sealedFetch);
  const unlisted = await thrown(sealedFetch('/echo', { headers: { 'x-other': '' } }), 'field-not-listed');
  assert.is(of('failed')[0]?.error, unlisted);
  const response = await sealedFetch('/cut');
  const cut = await failure(response.text());
  assert.is(of('failed')[1]?.error, cut);
  await server.close();
  const unmet = clientOf(server);
  const failing = await inspected(unmet);
  const error = await failure(unmet('/echo'));
  assert.equal(
    failing.of('failed').map((each) => [each.id, each.error]),
    [
      [0, error],
      [1, error],
    ],
  );
});

it('a stream tells what of it was sealed', async () => {
  const sealedFetch = clientOf(await startServer());
  const { of } = await inspected(sealedFetch, { bodies: true });
  const body = new Blob(['x'.repeat(100_000)]).stream();
  await (await sealedFetch('/echo', { method: 'POST', body, duplex: 'half' })).text();
  assert.equal([of('started')[0]?.size, of('sent')[0]?.size], [undefined, undefined]);
  assert.is(
    of('uploaded').reduce((sum, { size }) => sum + size, 0),
    100_000,
  );
});

it('a long body that goes out as a stream, for its progress, is told with its size and once', async () => {
  const sealedFetch = clientOf(await startServer());
  const { of } = await inspected(sealedFetch);
  const body = new Blob(['x'.repeat(2_000_000)]);
  await (await sealedFetch('/echo', { method: 'POST', body, onUploadProgress() {} })).text();
  assert.is(of('started')[0]?.size, 2_000_000);
  assert.is(of('uploaded').length, 0);
});

it('who has heard enough hears no more, and who throws breaks no call', async () => {
  const sealedFetch = clientOf(await startServer());
  const { events, stop } = await inspected(sealedFetch);
  await (await sealedFetch('/echo')).text();
  const before = events.length;
  stop();
  await (await sealedFetch('/echo')).text();
  assert.is(events.length, before);

  const uncaught: unknown[] = [];
  const keep = (error: unknown) => uncaught.push(error);
  process.on('uncaughtException', keep);
  afterwards(() => process.off('uncaughtException', keep));
  await sealedFetch.inspect(({ type }) => {
    if (type === 'head') throw new Error('a listener that throws');
  });
  assert.is(await (await sealedFetch('/echo', post)).text(), 'gooseberry');
  assert.is(uncaught.length, 1);
});

it('in production nobody inspects, unless the client was told by name', async () => {
  const server = await startServer();
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = 'production';
  afterwards(() => {
    if (before === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = before;
  });
  const refused = clientOf(server);
  await thrown(
    refused.inspect(() => {}),
    'inspection-refused',
  );
  const { of } = await inspected(clientOf(server, { inspect: 'production' }));
  assert.equal(of('started'), []);
});

test.run();
