// No secret, session id or plaintext is in anything that gets printed, logged or inspected.
import { inspect } from 'node:util';
import { isSealwireError, MemorySessionStore, StaticKeys } from '@sealwire/core';
import { sealwire } from '@sealwire/express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from './support/bytes.ts';
import { frameworks, it, onExpress } from './support/cases.ts';
import { startChild } from './support/child.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { failure } from './support/problems.ts';
import { startTap } from './support/proxies.ts';
import { assertNothingOf, found, marker, type Secrets, secretsOf } from './support/secrets.ts';
import { startSealed } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

/** All that can be made of an object. */
function printed(value: unknown): string {
  const options = {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,
    maxArrayLength: null,
    maxStringLength: null,
  };
  const own = typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptors(value) : {};
  let json = '';
  try {
    json = JSON.stringify(value);
  } catch {
    // Circular: nobody logs it that way.
  }
  return [
    inspect(value),
    inspect(value, options),
    inspect(value, { ...options, customInspect: false, getters: false }),
    inspect(own, options),
    json,
    String(value),
    value instanceof Error ? `${value.message} ${value.stack}` : '',
  ].join('\n');
}

onExpress('objects that an application holds show none of it', async (express) => {
  const exported = await StaticKeys.generateExported(['X25519', 'P-256', 'MLKEM768-X25519']);
  const keys = await StaticKeys.import(exported);
  const store = new MemorySessionStore();
  const held: Record<string, unknown> = {};
  const options = { keys, store, origins: ['https://api.example.com'] };
  const server = await startSealed(
    express,
    (app) => {
      app.post('/', (req, res) => {
        held['req.sealed'] = req.sealed;
        const chunks: Buffer[] = [];
        req.on('data', (chunk) => chunks.push(chunk)).on('end', () => res.end(Buffer.concat(chunks)));
        req.on('error', (error) => {
          held['the stream error'] = error;
          res.status(400).end();
        });
      });
    },
    { keys, store },
  );
  const wire = await WireClient.connect(server);
  assert.is((await wire.exchange({ body: marker })).body.toString(), marker);
  const long = Buffer.concat([Buffer.from(marker), pattern(300_000)]);
  const message = await wire.seal({ body: long });
  await wire.send(message, { body: flipped(message.message, message.message.length * 8 - 1) });
  const half = await wire.seal({ body: marker });
  held['a problem in plaintext'] = (
    await wire.send(half, { body: half.message.subarray(0, 60) })
  ).body.toString();
  held['the middleware'] = sealwire(options);
  held['the session store'] = store;
  held['the session'] = await store.load(wire.sid, Date.now());
  held['the keys'] = keys;
  const kid = (held['req.sealed'] as { kid: string }).kid;
  held['a KEM key'] = keys.findKey(kid);
  assert.ok(isSealwireError(held['the stream error']));
  assert.ok(held['a KEM key'] !== undefined);

  const secrets = secretsOf(wire, exported);
  for (const [name, value] of Object.entries(held)) assertNothingOf(secrets, printed(value), name);
  // The search would find it.
  assert.ok(found(secrets, printed({ sid: wire.sid })).length > 0);
  assert.ok(found(secrets, printed(new Uint8Array(secrets.bytes[1] as Uint8Array))).length > 0);
});

onExpress("the client's fetch, its responses and its errors show none of it", async (express) => {
  const server = await startSealed(express, (app) => {
    app.post('/echo', (req, res) => {
      req.pipe(res);
    });
  });
  let answer: ((response: Response) => Response | Promise<Response>) | undefined;
  const network = recordingFetch({ response: (response) => answer?.(response) });
  const sealedFetch = clientOf(server, { fetch: network });
  const call = () =>
    sealedFetch('/echo', { method: 'POST', body: marker }).then((response) => response.text());
  assert.is(await call(), marker);
  const sid = /s=([^;]+)/.exec(network.exchanges[0]?.headers.get('sealwire') ?? '')?.[1] as string;
  const secrets: Secrets = {
    texts: [sid, marker],
    bytes: [Buffer.from(sid, 'base64url'), Buffer.from(marker)],
  };
  const altered = async (change: (bytes: Buffer) => Uint8Array, response: Response) => {
    const bytes = Buffer.from(await response.arrayBuffer());
    return new Response(change(bytes) as Uint8Array<ArrayBuffer>, {
      status: response.status,
      headers: response.headers,
    });
  };
  const answers: Record<string, typeof answer> = {
    rejected: (response) => altered((bytes) => flipped(bytes, 400), response),
    truncated: (response) => altered((bytes) => bytes.subarray(0, -1), response),
    'plaintext-answer': () => new Response('a page of a proxy', { status: 502 }),
    'network error': () => {
      throw new TypeError('fetch failed');
    },
  };
  assertNothingOf(secrets, printed(sealedFetch), 'the sealed fetch');
  for (const [name, each] of Object.entries(answers)) {
    answer = each;
    const error = await failure(call());
    if (name !== 'network error') assert.ok(isSealwireError(error), name);
    assertNothingOf(secrets, printed(error), name);
  }
  answer = undefined;
  const response = await sealedFetch('/echo', { method: 'POST', body: marker });
  assertNothingOf({ ...secrets, texts: [sid] }, printed(response), 'a response');
  assert.is(await response.text(), marker);
});

for (const { name } of frameworks) {
  it(`what a server with ${name} prints holds none of it`, async () => {
    const exported = await StaticKeys.generateExported(['X25519']);
    const child = startChild('app-process.ts', {
      TEST_EXPRESS: name,
      TEST_KEYS: exported,
      NODE_ENV: 'development',
    });
    const origin = await child.ready;
    const [pin = ''] = (await StaticKeys.import(exported)).pins;
    const wire = await WireClient.connect({ origin, pin });
    const json = {
      fields: [['content-type', 'application/json']] as const,
      body: JSON.stringify({ marker }),
    };
    assert.is((await wire.exchange({ path: '/logged', ...json })).status, 200);
    assert.is((await wire.exchange({ path: '/throws', ...json })).status, 500);
    const altered = await wire.seal({ path: '/logged', ...json });
    assert.is((await wire.send(altered, { body: flipped(altered.message, 700) })).status, 400);
    const again = await wire.seal({ path: '/logged', ...json });
    for (const status of [200, 409])
      assert.is((await wire.open(again, await wire.send(again))).status, status);
    const long = await wire.seal({
      path: '/piped',
      body: Buffer.concat([Buffer.from(marker), pattern(300_000)]),
    });
    await wire.send(long, { body: long.message.subarray(0, 250_000) });
    const parsed = await wire.seal({
      path: '/logged',
      ...json,
      body: JSON.stringify({ marker: marker.repeat(20_000) }),
    });
    assert.is(
      (await wire.open(parsed, await wire.send(parsed, { body: parsed.message.subarray(0, 250_000) })))
        .status,
      400,
    );
    child.process.kill('SIGTERM');
    await child.ended;
    const { stdout, stderr } = child.output;
    assert.match(stdout, 'X25519');
    assert.match(stderr, 'a handler that throws');
    assert.match(stderr, 'the stream failed');
    assert.match(stderr, 'did not authenticate');
    assertNothingOf(secretsOf(wire, exported), stdout + stderr, 'the output');
  });
}

onExpress('on the wire there is nothing of it in either direction', async (express) => {
  const server = await startSealed(
    express,
    (app, { json }) => {
      app.use(json());
      app.post('/orders', (req, res) => {
        res.set('x-answer', marker).json(req.body);
      });
      app.get('/page', (req, res) => {
        res.send(req.get('authorization'));
      });
    },
    { origins: 'host', fields: ['x-tenant'] },
  );
  const tap = await startTap(server);
  const sealedFetch = clientOf({ ...server, origin: tap.origin });
  const headers = { 'content-type': 'application/json', authorization: marker, 'x-tenant': marker };
  const posted = await sealedFetch('/orders', { method: 'POST', body: JSON.stringify({ marker }), headers });
  assert.equal(await posted.json(), { marker });
  assert.is(posted.headers.get('x-answer'), marker);
  assert.is(await (await sealedFetch('/page', { headers: { authorization: marker } })).text(), marker);
  const [up, down] = [Buffer.concat(tap.up).toString('latin1'), Buffer.concat(tap.down).toString('latin1')];
  for (const text of [marker, 'authorization', 'x-tenant', 'application/json'])
    assert.not.ok(up.includes(text), text);
  for (const text of [marker, 'x-answer', 'etag', 'text/html'])
    assert.not.ok(down.toLowerCase().includes(text), text);
  assert.match(up, 'POST /orders HTTP/1.1');
});

test.run();
