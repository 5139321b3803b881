// sealedFetch takes the arguments of fetch: what the server sees of a call is the same, sealed or not.
import type { RequestListener } from 'node:http';
import type { SealedRequestInit } from '@sealwire/client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from '../../../test/support/bytes.ts';
import { it } from '../../../test/support/cases.ts';
import { failure } from '../../../test/support/problems.ts';
import { startNodeTwins, type Twins } from '../../../test/support/twins.ts';

const tell: RequestListener = async (req, res) => {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of req) chunks.push(chunk);
  } catch {
    // The client broke off; what it did is looked at there.
    return;
  }
  const { host: _host, connection: _connection, ...headers } = req.headers;
  const body = Buffer.concat(chunks).toString('latin1');
  // A new one is made for every form that is sent.
  const boundary = headers['content-type']?.split('boundary=')[1];
  const plain = (text: string) => (boundary === undefined ? text : text.replaceAll(boundary, 'BOUNDARY'));
  res.setHeader('content-type', 'application/json');
  res.end(plain(JSON.stringify({ method: req.method, url: req.url, headers: sorted(headers), body })));
};

function sorted(headers: object): object {
  return Object.fromEntries(Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Arguments = (origin: string) => [RequestInfo | URL, SealedRequestInit?];

async function alike(calls: Record<string, Arguments>, twins?: Twins): Promise<void> {
  const { servers, sealed } = twins ?? (await startNodeTwins(tell));
  for (const [name, make] of Object.entries(calls)) {
    const [plainInput, plainInit] = make(servers.plain.origin);
    const [sealedInput, sealedInit] = make(servers.sealed.origin);
    const ofPlain = await (await fetch(plainInput, plainInit)).json();
    const ofSealed = await (await sealed(sealedInput, sealedInit)).json();
    assert.equal(ofSealed, ofPlain, name);
  }
}

it('a string, a URL and a Request', () =>
  alike({
    string: (origin) => [`${origin}/a?b=c#fragment`],
    URL: (origin) => [new URL('/ü/./x/../y?q=ü "<>', origin)],
    Request: (origin) => [new Request(`${origin}/a`, { headers: { accept: 'text/x' } })],
    'Request with a method and a body': (origin) => [
      new Request(`${origin}/a`, { method: 'PUT', body: 'text' }),
    ],
    'Request with an empty body': (origin) => [new Request(`${origin}/a`, { method: 'POST', body: '' })],
    'Request whose init overrides it': (origin) => [
      new Request(`${origin}/a`, { method: 'POST', body: 'one', headers: { accept: 'a/a' } }),
      { method: 'PUT', body: 'two', headers: { accept: 'b/b' } },
    ],
    'Request with a long body': (origin) => [
      new Request(`${origin}/a`, { method: 'POST', body: pattern(65_000) }),
    ],
    'Request with a body that is longer than a record': (origin) => [
      new Request(`${origin}/a`, { method: 'POST', body: pattern(300_000) }),
    ],
    'Request of a Request that was cloned': (origin) => {
      const request = new Request(`${origin}/a`, { method: 'PATCH', body: new URLSearchParams({ a: 'b' }) });
      return [new Request(request.clone())];
    },
  }));

it('methods in every spelling', () =>
  alike(
    Object.fromEntries(
      ['get', 'GeT', 'post', 'Put', 'delete', 'options', 'PATCH', 'PURGE'].map((method) => [
        method,
        (origin: string) => [`${origin}/a`, { method }] as [string, RequestInit],
      ]),
    ),
  ));

it('headers in every form', () =>
  alike({
    object: (origin) => [`${origin}/a`, { headers: { 'X-Requested-With': 'x', Accept: 'a/b' } }],
    pairs: (origin) => [
      `${origin}/a`,
      {
        headers: [
          ['accept', 'a/a'],
          ['accept', 'b/b'],
        ],
      },
    ],
    Headers: (origin) => [`${origin}/a`, { headers: new Headers({ authorization: 'Bearer ü' }) }],
    'a blank value': (origin) => [
      `${origin}/a`,
      { headers: { 'x-api-key': '', 'x-csrf-token': '  padded  ' } },
    ],
    cookies: (origin) => [
      `${origin}/a`,
      { headers: { cookie: 'a=1; b=2', 'user-agent': 'mine', referer: 'x' } },
    ],
    conditions: (origin) => [
      `${origin}/a`,
      { headers: { range: 'bytes=0-1', prefer: 'x', 'idempotency-key': '1' } },
    ],
  }));

it('bodies of every kind, with the type that goes with it', () => {
  const form = new FormData();
  form.set('name', 'Ünïcode');
  form.set('file', new Blob([pattern(1000)], { type: 'image/x' }), 'a.bin');
  const kinds: Record<string, () => unknown> = {
    string: () => 'häppy',
    'empty string': () => '',
    URLSearchParams: () => new URLSearchParams({ a: '1 &', b: 'ü' }),
    FormData: () => form,
    Blob: () => new Blob(['blob'], { type: 'Text/X; charset=UTF-8' }),
    'Blob without a type': () => new Blob([pattern(70_000)]),
    ArrayBuffer: () => Uint8Array.of(1, 2, 3).buffer,
    'a view in the middle': () => new Uint8Array(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2),
    DataView: () => new DataView(Uint8Array.of(1, 2, 3).buffer, 1),
    Uint16Array: () => Uint16Array.of(258, 772),
    Buffer: () => Buffer.from('buffer'),
    'a number': () => 7,
    null: () => null,
  };
  const calls = Object.entries(kinds).map(([name, body]) => [
    name,
    (origin: string) => [`${origin}/a`, { method: 'POST', body: body() }] as [string, RequestInit],
  ]);
  return alike(Object.fromEntries(calls));
});

it('streams and async iterables, with `duplex`', () => {
  async function* iterate() {
    yield Buffer.from('one ');
    yield pattern(100_000);
    yield Buffer.from(' three');
  }
  return alike({
    stream: (origin) => [
      `${origin}/a`,
      { method: 'POST', body: new Blob([pattern(200_000)]).stream(), duplex: 'half' },
    ],
    iterable: (origin) => [
      `${origin}/a`,
      { method: 'PUT', body: iterate() as unknown as BodyInit, duplex: 'half' },
    ],
    'short stream in a Request': (origin) => [
      new Request(`${origin}/a`, {
        method: 'POST',
        body: new Blob(['short']).stream(),
        duplex: 'half',
      } as RequestInit),
    ],
    'stream in a Request': (origin) => [
      new Request(`${origin}/a`, {
        method: 'POST',
        body: new Blob([pattern(200_000)]).stream(),
        duplex: 'half',
      } as RequestInit),
    ],
  });
});

it('empty streams and empty chunks are nothing', async () => {
  const { sealed } = await startNodeTwins(tell);
  const streams: [string[], string][] = [
    [[], ''],
    [[''], ''],
    [['one', '', 'two', ''], 'onetwo'],
  ];
  for (const [chunks, body] of streams) {
    const stream = new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(Buffer.from(chunk));
        controller.close();
      },
    });
    const response = await sealed('/a', { method: 'POST', body: stream, duplex: 'half' });
    assert.is((await response.json()).body, body);
  }
});

it('cache modes tell the server what fetch tells it', () =>
  alike({
    'no-store': (origin) => [`${origin}/a`, { cache: 'no-store' }],
    reload: (origin) => [`${origin}/a`, { cache: 'reload' }],
    'no-cache': (origin) => [`${origin}/a`, { cache: 'no-cache' }],
    'no-store with a header of its own': (origin) => [
      `${origin}/a`,
      { cache: 'no-store', headers: { 'cache-control': 'max-age=5' } },
    ],
  }));

it('relative URLs are relative to the sealed origin', async () => {
  const { sealed, servers } = await startNodeTwins(tell);
  for (const [input, url] of [
    ['/a?b', '/a?b'],
    ['a/../b', '/b'],
    ['?q', '/?q'],
    ['', '/'],
  ] as const) {
    const response = await sealed(input);
    assert.is((await response.json()).url, url);
    assert.is(response.url, servers.sealed.origin + url);
  }
});

it('arguments that fetch refuses are refused with a TypeError', async () => {
  const { sealed, servers } = await startNodeTwins(tell);
  const used = (origin: string) => {
    const request = new Request(origin, { method: 'POST', body: 'x' });
    return request.text().then(() => request);
  };
  const calls: Record<
    string,
    (origin: string) => [RequestInfo | URL | Promise<Request>, SealedRequestInit?]
  > = {
    'a body with GET': (origin) => [origin, { body: 'x' }],
    'a body with HEAD': (origin) => [origin, { method: 'head', body: 'x' }],
    'a stream without duplex': (origin) => [origin, { method: 'POST', body: new Blob(['x']).stream() }],
    'a method with a blank': (origin) => [origin, { method: 'A B' }],
    CONNECT: (origin) => [origin, { method: 'CONNECT' }],
    TRACE: (origin) => [origin, { method: 'trace' }],
    'a header with a line break': (origin) => [origin, { headers: { accept: 'a\nb' } }],
    'a header name with a blank': (origin) => [origin, { headers: { 'a b': '1' } }],
    'a used Request': (origin) => [used(origin)],
    'a locked stream': (origin) => {
      const stream = new Blob(['x']).stream();
      stream.getReader();
      return [origin, { method: 'POST', body: stream, duplex: 'half' }];
    },
    'a URL with credentials': (origin) => [origin.replace('//', '//user:pass@')],
  };
  assert.is((await sealed('/')).status, 200);
  for (const [name, make] of Object.entries(calls)) {
    const [plainInput, plainInit] = make(servers.plain.origin);
    const [sealedInput, sealedInit] = make(servers.sealed.origin);
    assert.instance(await failure(fetch(await plainInput, plainInit)), TypeError, `fetch: ${name}`);
    const error = await failure(sealed(await sealedInput, sealedInit));
    assert.ok(error instanceof TypeError, `sealedFetch: ${name}: ${error}`);
  }
  assert.instance(await failure(sealed('http://[')), TypeError);
});

it('a signal of null takes that of the Request away', async () => {
  const { sealed, servers } = await startNodeTwins(tell);
  const aborted = AbortSignal.abort();
  for (const [call, origin] of [
    [fetch, servers.plain.origin],
    [sealed, servers.sealed.origin],
  ] as const) {
    assert.is(((await failure(call(new Request(origin, { signal: aborted })))) as Error).name, 'AbortError');
    const response = await call(new Request(origin, { signal: aborted }), { signal: null });
    assert.is(response.status, 200);
  }
});

test.run();
