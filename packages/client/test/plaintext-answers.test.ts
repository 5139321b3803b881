// What is not sealed is no answer: an error of its own carries it, and nothing is ever sent in plaintext instead.
import { isSealwireError } from '@sealwire/client';
import { messageType, problemType } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { listen, startSealedNode } from '../../../test/support/servers.ts';

function startEcho() {
  return startSealedNode((req, res) => {
    req.pipe(res);
  });
}

const problem = (code: string, status: number, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ type: `urn:sealwire:problem:${code}`, code, status }), {
    status,
    headers: { 'content-type': problemType, ...headers },
  });

const answers: Record<string, () => Response> = {
  'a page of a captive portal': () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
  'a JSON body that looks right': () => Response.json({ ok: true }),
  'an error of a gateway': () => new Response('bad gateway', { status: 502 }),
  'a redirect outside': () => new Response(null, { status: 302, headers: { location: '/elsewhere' } }),
  'nothing at all': () => new Response(null, { status: 204 }),
  'not modified': () => new Response(null, { status: 304 }),
  'a problem of another kind': () =>
    Response.json(
      { type: 'about:blank', title: 'no' },
      { status: 400, headers: { 'content-type': problemType } },
    ),
  'a problem that is no JSON': () =>
    new Response('{', { status: 400, headers: { 'content-type': problemType } }),
  'sealed-required': () => problem('sealed-required', 400),
  malformed: () => problem('malformed', 400),
  rejected: () => problem('rejected', 400),
  'unsupported-version': () => problem('unsupported-version', 400),
  'a problem that a client would believe': () => problem('expired', 400),
  'a code that is thrown only': () => problem('truncated', 400),
};

it('every plaintext answer is a plaintext-answer that carries it', async () => {
  const server = await startEcho();
  let answer: (() => Response) | undefined;
  const network = recordingFetch({
    request: (url) => (url.includes('/.well-known/') ? undefined : answer?.()),
  });
  const sealedFetch = clientOf(server, { fetch: network });
  const post = { method: 'POST', body: 'a body' };
  assert.is(await (await sealedFetch('/', post)).text(), 'a body');
  for (const [name, make] of Object.entries(answers)) {
    answer = make;
    const before = network.exchanges.length;
    const error = await thrown(sealedFetch('/', post), 'plaintext-answer');
    const { untrusted } = error as unknown as { untrusted: Response };
    assert.match(error.message, 'do not trust it', name);
    assert.is(untrusted.status, make().status, name);
    assert.is(await untrusted.text(), await make().text(), name);
    // It was sent once, and sealed.
    assert.is(network.exchanges.length, before + 1, name);
    assert.is(network.exchanges.at(-1)?.headers.get('content-type'), messageType);
  }
});

it('something that only calls itself sealed is rejected', async () => {
  const server = await startEcho();
  const bodies = [
    new Uint8Array(),
    new Uint8Array(31),
    new Uint8Array(32),
    new Uint8Array(100),
    new Uint8Array(100).fill(0x80),
  ];
  let body: Uint8Array<ArrayBuffer> | undefined;
  const network = recordingFetch({
    request: (url) =>
      body === undefined || url.includes('/.well-known/')
        ? undefined
        : new Response(body, { headers: { 'content-type': messageType } }),
  });
  const sealedFetch = clientOf(server, { fetch: network });
  assert.is((await sealedFetch('/')).status, 200);
  for (body of bodies) {
    const error = await failure(sealedFetch('/'));
    assert.ok(isSealwireError(error, 'rejected') || isSealwireError(error, 'truncated'), String(error));
  }
});

it('`unavailable` from anyone is told with the time to wait, at most a minute', async () => {
  const server = await startEcho();
  let retryAfter: string | undefined;
  const network = recordingFetch({
    request: (url) =>
      retryAfter === undefined || url.includes('/.well-known/')
        ? undefined
        : problem('unavailable', 503, { 'retry-after': retryAfter }),
  });
  const sealedFetch = clientOf(server, { fetch: network });
  assert.is((await sealedFetch('/')).status, 200);
  for (const [header, milliseconds] of [
    ['2', 2000],
    ['86400', 60_000],
    ['soon', undefined],
  ] as const) {
    retryAfter = header;
    const error = (await thrown(sealedFetch('/'), 'unavailable')) as Error & { retryAfter?: number };
    assert.is(error.retryAfter, milliseconds);
  }
});

it('a fault of the network is the TypeError of fetch', async () => {
  const server = await startEcho();
  const sealedFetch = clientOf(server);
  assert.is((await sealedFetch('/')).status, 200);
  await server.close();
  const error = await failure(sealedFetch('/'));
  assert.instance(error, TypeError);
  assert.not.ok(isSealwireError(error));
  const never = clientOf({ origin: 'http://127.0.0.1:9' });
  assert.instance(await failure(never('/')), TypeError);
  assert.instance(await failure(never.ready()), TypeError);
});

it('a server that hangs up without an answer is a TypeError, too', async () => {
  const server = await startSealedNode((req, res) => {
    if (req.url === '/') res.end('fine');
    else req.socket.destroy();
  });
  const sealedFetch = clientOf(server);
  assert.is(await (await sealedFetch('/')).text(), 'fine');
  assert.instance(await failure(sealedFetch('/hang-up', { method: 'POST', body: 'x' })), TypeError);
});

it('a server without Sealwire is never asked for anything in plaintext', async () => {
  const asked: string[] = [];
  const server = await listen((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    res.end('welcome');
  });
  const error = await thrown(
    clientOf(server)('/secret', { method: 'POST', body: 'secret' }),
    'configuration-unavailable',
  );
  assert.match(error.message, server.origin);
  assert.equal(asked, ['GET /.well-known/sealwire']);
});

test.run();
