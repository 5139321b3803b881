// The Response of a sealed call is a Response: url, clone, every way to read, integrity, progress, encodings.
import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { deflateSync, gzipSync } from 'node:zlib';
import type { Progress } from '@sealwire/client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boundarySizes, largeSize, pattern } from '../../../test/support/bytes.ts';
import { it } from '../../../test/support/cases.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { startNodeTwins } from '../../../test/support/twins.ts';

const text = 'häppy '.repeat(50);
const routes: RequestListener = (req, res) => {
  const { pathname, searchParams } = new URL(req.url as string, 'http://localhost');
  if (pathname === '/size') res.end(pattern(Number(searchParams.get('n'))));
  else if (pathname === '/json') res.setHeader('content-type', 'application/json').end('{"a":[1,"ü"]}');
  else if (pathname === '/form')
    res.setHeader('content-type', 'application/x-www-form-urlencoded').end('a=1&b=%C3%BC');
  else if (pathname === '/gzip') res.setHeader('content-encoding', 'gzip').end(gzipSync(text));
  else if (pathname === '/large.gz')
    res.setHeader('content-encoding', 'gzip').end(gzipSync(pattern(largeSize)));
  else if (pathname === '/x-gzip') res.setHeader('content-encoding', 'X-GZIP').end(gzipSync(text));
  else if (pathname === '/deflate') res.setHeader('content-encoding', 'deflate').end(deflateSync(text));
  else if (pathname === '/broken') res.setHeader('content-encoding', 'gzip').end('not gzip');
  else if (pathname === '/upload') req.resume().on('end', () => res.end('taken'));
  else res.end(text);
};

it('url, redirected, type, ok and status are those of fetch, also of a clone', async () => {
  const { plain, sealed, servers } = await startNodeTwins(routes);
  const of = ({ url, redirected, type, ok, status, bodyUsed }: Response, origin: string) => {
    return { url: url.replace(origin, ''), redirected, type, ok, status, bodyUsed };
  };
  for (const path of ['/', '/json?a=b', '/x?y#fragment']) {
    const [ofPlain, ofSealed] = [await plain(path), await sealed(path)];
    const expected = of(ofPlain, servers.plain.origin);
    assert.equal(of(ofSealed, servers.sealed.origin), expected);
    assert.equal(of(ofSealed.clone(), servers.sealed.origin), of(ofPlain.clone(), servers.plain.origin));
    assert.equal(of(ofSealed.clone().clone(), servers.sealed.origin), expected);
    assert.ok(ofSealed instanceof Response);
    assert.is((await ofSealed.text()).length, (await ofPlain.text()).length);
    assert.is(ofSealed.bodyUsed, true);
    assert.throws(() => ofSealed.clone());
  }
});

it('a clone and its original read the same, sealed part included', async () => {
  const { sealed } = await startNodeTwins(routes);
  const response = await sealed(`/size?n=${largeSize}`);
  const clone = response.clone() as typeof response;
  assert.is(clone.sealed.status, 200);
  const [one, other] = await Promise.all([response.arrayBuffer(), clone.arrayBuffer()]);
  assert.ok(Buffer.from(one).equals(pattern(largeSize)));
  assert.ok(Buffer.from(other).equals(pattern(largeSize)));
});

it('every way to read a body', async () => {
  const { sealed } = await startNodeTwins(routes);
  assert.equal(await (await sealed('/json')).json(), { a: [1, 'ü'] });
  assert.is(await (await sealed('/')).text(), text);
  assert.is((await (await sealed('/form')).formData()).get('b'), 'ü');
  assert.is((await (await sealed('/json')).blob()).type, 'application/json');
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await sealed('/size?n=200000')).body ?? []) chunks.push(chunk);
  assert.ok(Buffer.concat(chunks).equals(pattern(200_000)));
  const body = (await sealed('/size?n=100000')).body as ReadableStream<Uint8Array>;
  const reader = body.getReader({ mode: 'byob' });
  const own: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(7000));
    if (done) break;
    own.push(value);
  }
  assert.ok(Buffer.concat(own).equals(pattern(100_000)));
});

it('responses of all sizes, whatever way the network cuts them', async () => {
  const server = await startSealedNode(routes);
  let size = 0;
  const network = recordingFetch({
    response(response, url) {
      if (url.includes('/.well-known/') || response.body === null) return undefined;
      const { status, headers } = response;
      return new Response(response.body.pipeThrough(recut(size)), { status, headers });
    },
  });
  const sealedFetch = clientOf(server, { fetch: network });
  for (const [cut, lengths] of [
    [1, [0, 1, 3000]],
    [1400, [...boundarySizes, largeSize]],
    [65_537, [...boundarySizes, largeSize]],
    [Number.MAX_SAFE_INTEGER, [...boundarySizes]],
  ] as const) {
    size = cut;
    for (const length of lengths) {
      const bytes = Buffer.from(await (await sealedFetch(`/size?n=${length}`)).arrayBuffer());
      assert.ok(bytes.equals(pattern(length)), `${length} bytes in pieces of ${cut}`);
    }
  }
});

/** Cuts a stream into pieces of a size; a large one joins everything. */
function recut(size: number): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let kept = Buffer.alloc(0);
  return new TransformStream({
    transform(chunk, controller) {
      kept = Buffer.concat([kept, chunk]);
      let at = 0;
      for (; kept.length - at >= size; at += size) controller.enqueue(kept.subarray(at, at + size));
      kept = kept.subarray(at);
    },
    flush(controller) {
      if (kept.length > 0) controller.enqueue(kept);
    },
  });
}

it('integrity is checked on the plaintext, the strongest hash counts', async () => {
  const twins = await startNodeTwins(routes);
  const digest = (name: string, of = text) => `${name}-${createHash(name).update(of).digest('base64')}`;
  const right = [
    digest('sha256'),
    digest('sha384'),
    digest('sha512'),
    `${digest('sha256', 'other')} ${digest('sha512')}`,
    `${digest('sha256', 'other')} ${digest('sha256')}`,
    'unknown-abc',
    '',
  ];
  const wrong = [digest('sha256', 'other'), `${digest('sha256')} ${digest('sha512', 'other')}`];
  for (const integrity of right) {
    const { plain, sealed } = await twins.ask('/', () => ({ integrity }));
    assert.equal(sealed, plain, integrity);
    assert.is(sealed.body, Buffer.from(text).toString('latin1'));
  }
  // Node's own fetch fails on options.
  assert.is(await (await twins.sealed('/', { integrity: `${digest('sha256')}?option` })).text(), text);
  for (const integrity of wrong) {
    for (const call of [twins.plain, twins.sealed])
      assert.instance(await failure(call('/', { integrity })), TypeError, integrity);
  }
  for (const call of [twins.plain, twins.sealed])
    assert.instance(await failure(call('/', { integrity: digest('sha256'), method: 'HEAD' })), TypeError);
});

it('content codings applied inside are undone', async () => {
  const { sealed } = await startNodeTwins(routes);
  for (const path of ['/gzip', '/x-gzip', '/deflate'])
    assert.is(await (await sealed(path)).text(), text, path);
  assert.instance(await failure(sealed('/broken').then((response) => response.text())), TypeError);
});

it('a decoded body can be read into buffers of the reader, to its end', async () => {
  const { sealed } = await startNodeTwins(routes);
  for (const path of ['/gzip', '/large.gz']) {
    const expected = path === '/gzip' ? Buffer.from(text) : pattern(largeSize);
    const { body } = await sealed(path);
    const reader = (body as ReadableStream<Uint8Array>).getReader({ mode: 'byob' });
    const chunks: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(1000));
      if (done) break;
      chunks.push(value);
    }
    assert.ok(Buffer.concat(chunks).equals(expected), path);
  }
});

it('an encoded body that was cut short is told as that', async () => {
  const server = await startSealedNode(routes);
  let cut = false;
  const network = recordingFetch({
    async response(response, url) {
      if (!cut || url.includes('/.well-known/')) return undefined;
      const bytes = new Uint8Array(await response.arrayBuffer());
      return new Response(bytes.subarray(0, -1), { headers: response.headers });
    },
  });
  const sealedFetch = clientOf(server, { fetch: network });
  assert.is(await (await sealedFetch('/gzip')).text(), text);
  cut = true;
  await thrown(
    sealedFetch('/gzip').then((response) => response.text()),
    'truncated',
  );
});

it('progress of up- and download counts plaintext', async () => {
  const { sealed } = await startNodeTwins(routes);
  const up: Progress[] = [];
  const down: Progress[] = [];
  const progress = {
    onUploadProgress: (at: Progress) => up.push(at),
    onDownloadProgress: (at: Progress) => down.push(at),
  };
  const known = await sealed('/size?n=200000', { method: 'POST', body: pattern(150_000), ...progress });
  await known.arrayBuffer();
  assert.equal(up.at(-1), { loaded: 150_000, total: 150_000 });
  assert.equal(down.at(-1), { loaded: 200_000, total: 200_000 });
  assert.ok(down.length > 1);
  up.length = down.length = 0;
  const body = new Blob([pattern(150_000)]).stream();
  await (await sealed('/upload', { method: 'POST', body, duplex: 'half', ...progress })).text();
  assert.equal(up.at(-1), { loaded: 150_000, total: undefined });
  for (const list of [up, down]) {
    const loaded = list.map((at) => at.loaded);
    assert.equal(
      loaded,
      [...loaded].sort((one, other) => one - other),
    );
  }
});

test.run();
