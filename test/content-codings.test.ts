// Content codings inside the seal: the client asks for what it can undo, undoes it, and hands on nothing encoded.
import type { RequestListener } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, onExpress } from './support/cases.ts';
import { thrown } from './support/problems.ts';
import { startNodeTwins, startTwins } from './support/twins.ts';

const text = 'happy '.repeat(300);

/** Compresses as a middleware behind sealwire() does: Brotli where it may. */
const compressing: RequestListener = (req, res) => {
  const accepted = `${req.headers['accept-encoding']}`.split(',').map((each) => each.trim());
  const accepts = (coding: string) =>
    accepted.some((each) => each.startsWith(coding) && !each.includes('q=0,') && !each.endsWith('q=0'));
  res.setHeader('asked', `${req.headers['accept-encoding']}`);
  const [coding, body] = accepts('br')
    ? ['br', brotliCompressSync(text)]
    : accepts('gzip')
      ? ['gzip', gzipSync(text)]
      : accepts('deflate')
        ? ['deflate', deflateSync(text)]
        : ['identity', text];
  res.setHeader('content-encoding', coding as string).end(body);
};

onExpress('whatever encoding a caller accepts, what it reads is decoded', async (express) => {
  const { sealed, plain } = await startTwins(express, (app) => app.get('/', compressing));
  for (const [wanted, asked] of [
    ['gzip, br', 'gzip'],
    ['br', 'identity'],
    ['BR;q=1, GZIP;q=0.5, zstd', 'gzip;q=0.5'],
    ['br, deflate', 'deflate'],
    ['*', 'gzip, deflate'],
    ['br, *;q=0.1', 'gzip;q=0.1, deflate;q=0.1'],
    ['gzip;q=0, *;q=0.5', 'gzip;q=0, deflate;q=0.5'],
    ['identity', 'identity'],
    ['gzip, br;q=0, identity;q=0', 'gzip, br;q=0, identity;q=0'],
    ['', 'identity'],
  ] as const) {
    const init = { headers: { 'accept-encoding': wanted } };
    const response = await sealed('/', init);
    assert.is(response.headers.get('asked'), asked, wanted);
    assert.is(await response.text(), text, wanted);
    if (wanted !== '') assert.is(await (await plain('/', init)).text(), text, wanted);
  }
});

const codings: RequestListener = (req, res) => {
  const coding = decodeURIComponent((req.url as string).slice(1));
  const bodies = new Map([
    ['gzip, deflate', deflateSync(gzipSync(text))],
    ['identity, gzip', gzipSync(text)],
  ]);
  res.setHeader('content-encoding', coding).end(bodies.get(coding) ?? text);
};

it('several codings are undone one after the other', async () => {
  const { sealed, plain } = await startNodeTwins(codings);
  const path = `/${encodeURIComponent('gzip, deflate')}`;
  assert.is(await (await sealed(path)).text(), text);
  assert.is(await (await plain(path)).text(), text);
  assert.is(await (await sealed(`/${encodeURIComponent('identity, gzip')}`)).text(), text);
  assert.is(await (await sealed('/identity')).text(), text);
});

it('what cannot be decoded is an error of the body that says so, and never handed on', async () => {
  const { sealed } = await startNodeTwins(codings);
  for (const coding of ['zstd', 'compress', 'gzip, zstd', 'constructor']) {
    const response = await sealed(`/${encodeURIComponent(coding)}`);
    assert.is(response.status, 200);
    const error = await thrown(response.clone().text(), 'encoding-unknown');
    assert.match(error.message, coding.split(', ').pop() as string);
    await thrown(response.arrayBuffer(), 'encoding-unknown');
    const head = await sealed(`/${encodeURIComponent(coding)}`, { method: 'HEAD' });
    assert.is(await head.text(), '');
  }
});

it('an empty body is empty in any content encoding', async () => {
  const twins = await startNodeTwins((req, res) => {
    res.writeHead(200, { 'content-encoding': (req.url as string).slice(1) }).end();
  });
  for (const coding of ['gzip', 'deflate']) {
    const { plain, sealed } = await twins.ask(`/${coding}`);
    assert.equal([sealed.status, sealed.body], [200, '']);
    assert.equal([plain.status, plain.body], [200, '']);
  }
});

it('a 204 may declare a length', async () => {
  const twins = await startNodeTwins((_req, res) => {
    res.writeHead(204, { 'content-length': 2 }).end();
  });
  const { plain, sealed } = await twins.ask('/');
  assert.equal([sealed.status, sealed.body], [204, '']);
  assert.equal([plain.status, plain.body], [204, '']);
});

test.run();
