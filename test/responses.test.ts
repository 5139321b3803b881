// Every way to answer in Express and Node gives the client what it gives it without Sealwire.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import type { RequestHandler } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { onExpress } from './support/cases.ts';
import { startTwins } from './support/twins.ts';

const answers: Record<string, RequestHandler> = {
  json: (_req, res) => void res.json({ a: [1, 'ü', null] }),
  'json of null': (_req, res) => void res.json(null),
  'json with a status': (_req, res) => void res.status(201).json({ id: 7 }),
  jsonp: (_req, res) => void res.jsonp({ a: 1 }),
  'send of a string': (_req, res) => void res.send('<p>häppy</p>'),
  'send of bytes': (_req, res) => void res.send(Buffer.from([0, 255, 1])),
  'send of an empty string': (_req, res) => void res.send(''),
  'send of an object': (_req, res) => void res.send({ sent: true }),
  'send of nothing': (_req, res) => void res.send(),
  'send with a type': (_req, res) => void res.type('text/csv').send('a,b'),
  sendStatus: (_req, res) => void res.sendStatus(418),
  'sendStatus of 204': (_req, res) => void res.sendStatus(204),
  'status 205': (_req, res) => void res.status(205).send('dropped'),
  'status 204 with a body that is dropped': (_req, res) => void res.status(204).send('dropped'),
  'status 304 by hand': (_req, res) => void res.status(304).end('dropped'),
  'status 599': (_req, res) => void res.status(599).send('odd'),
  'end of nothing': (_req, res) => void res.end(),
  'end of a string': (_req, res) => void res.end('done'),
  'end of an empty string': (_req, res) => void res.end(''),
  'end in latin1': (_req, res) => void res.end('häppy', 'latin1'),
  'end in base64': (_req, res) => void res.end('aGVsbG8=', 'base64'),
  'end with a callback': (_req, res) => void res.end('done', () => {}),
  'end of bytes of another kind': (_req, res) => void res.end(new Uint8Array([1, 2, 3])),
  'end with a callback only': (_req, res) => void res.end(() => {}),
  'writes, then end': (_req, res) => {
    res.write('one ');
    res.write(Buffer.from('two '));
    res.write('ffe4', 'hex');
    res.end('three');
  },
  'a write, then a large end': (_req, res) => {
    res.write('one ');
    res.end(pattern(200_000));
  },
  'a large write, then a large end': (_req, res) => {
    res.write(pattern(100_000));
    res.end(pattern(20_000));
  },
  'large writes that wait for drain': async (_req, res) => {
    for (const size of [1, 40_000, 65_530, 65_536, 200_000, 16_385, 1]) {
      if (!res.write(pattern(size))) await once(res, 'drain');
    }
    res.end();
  },
  'empty writes': (_req, res) => {
    res.write('');
    res.write('a');
    res.write('');
    res.end('');
  },
  'writes with a Content-Length': (_req, res) => {
    res.setHeader('content-length', 6);
    res.write('one');
    res.end('two');
  },
  'a Transfer-Encoding by hand': (_req, res) => {
    res.setHeader('transfer-encoding', 'chunked');
    res.end('chunked');
  },
  'flushed head, then nothing': (_req, res) => {
    res.flushHeaders();
    res.end();
  },
  'a stream': (_req, res) => {
    res.type('bin');
    Readable.from([Buffer.from('a'), pattern(100_000), Buffer.from('b')]).pipe(res);
  },
  'a pipeline': async (_req, res) => {
    await pipeline(Readable.from(['a', 'b', 'c']), res);
  },
  'gzip made by the handler': (_req, res) =>
    void res.set('content-encoding', 'gzip').send(gzipSync('zipped'.repeat(100))),
  'fields of all kinds': (_req, res) => {
    res.set({ 'X-One': '1', 'x-empty': '', 'x-latin': 'hä' });
    res.append('x-list', 'a').append('x-list', 'b').append('link', ['<a>', '<b>']);
    res.vary('Accept').links({ next: '/n' }).location('/elsewhere').attachment('a.txt');
    res.setHeader('x-number', 12);
    res.send('fields');
  },
  'fields of a security middleware': (_req, res) => {
    res.set({
      'strict-transport-security': 'max-age=1',
      'x-frame-options': 'DENY',
      'content-security-policy': "default-src 'self'",
    });
    res.send('safe');
  },
  'several cookies': (_req, res) =>
    void res.cookie('a', '1', { httpOnly: true }).cookie('b', '2').send('baked'),
  'a charset of its own': (_req, res) =>
    void res.set('content-type', 'text/plain; charset=iso-8859-1').send('hä'),
  format: (_req, res) => void res.format({ json: () => res.json(1), html: () => res.send('<p>') }),
  'an upstream answer that names Sealwire': (_req, res) => void res.set('x-ok', '1').send('fine'),
};

onExpress('status, fields and body are the same with and without Sealwire', async (express) => {
  const twins = await startTwins(express, (app) => {
    for (const [index, answer] of Object.values(answers).entries()) app.all(`/${index}`, answer);
  });
  for (const [index, name] of Object.keys(answers).entries()) {
    for (const method of ['GET', 'POST', 'HEAD']) {
      const { plain, sealed } = await twins.ask(`/${index}`, () => ({ method }));
      assert.equal(sealed, plain, `${method}: ${name}`);
    }
  }
});

onExpress('ETag and If-None-Match give 304 inside, and 200 outside', async (express) => {
  const twins = await startTwins(express, (app) => {
    app.get('/cached', (_req, res) => void res.set('x-kept', '1').send('the same every time'));
    app.get('/dated', (_req, res) => {
      res.set('last-modified', 'Sat, 21 Nov 2026 10:00:00 GMT').send('dated');
    });
  });
  const first = await twins.ask('/cached');
  const etag = first.sealed.headers['etag'] as string;
  assert.is(etag, first.plain.headers['etag']);
  for (const [path, headers, status] of [
    ['/cached', { 'if-none-match': etag }, 304],
    ['/cached', { 'if-none-match': `"other", ${etag}` }, 304],
    ['/cached', { 'if-none-match': '"other"' }, 200],
    ['/cached', { 'if-none-match': etag, 'cache-control': 'no-cache' }, 200],
    ['/dated', { 'if-modified-since': 'Sat, 21 Nov 2026 10:00:00 GMT' }, 304],
    ['/dated', { 'if-modified-since': 'Fri, 20 Nov 2026 10:00:00 GMT' }, 200],
  ] as const) {
    const { plain, sealed } = await twins.askBare(path, headers);
    assert.is(sealed.status, status);
    assert.equal(sealed, plain);
  }
  const response = await twins.sealed('/cached', { headers: { 'if-none-match': etag } });
  assert.equal([response.status, response.sealed.status, await response.text()], [304, 200, '']);
});

test.run();
