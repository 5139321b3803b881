// What stays outside of the seal: cookies, CORS, the browser's policies; and what never leaves: hints and trailers.
import { messageType } from '@sealwire/core';
import type { Application, RequestHandler } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { onExpress } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { assertProblem } from './support/problems.ts';
import { RawConnection } from './support/raw-http.ts';
import { startSealed } from './support/servers.ts';
import { request } from './support/supertest.ts';
import { WireClient } from './support/wire-client.ts';
import { fieldOf } from './support/wire-message.ts';

/** What the middleware of the same name does for one page. */
const cors: RequestHandler = (req, res, next) => {
  res.set({
    'access-control-allow-origin': 'https://page.example',
    'access-control-expose-headers': 'X-Shown',
  });
  res.vary('Origin');
  if (req.method !== 'OPTIONS' || req.get('access-control-request-method') === undefined) return next();
  res.set('access-control-allow-headers', 'content-type, sealwire').status(204).end();
};
const before = (app: Application) => void app.use(cors);
const preflight = { origin: 'https://page.example', 'access-control-request-method': 'POST' };

onExpress('cookies and policies of the browser travel outside, everything else inside', async (express) => {
  const server = await startSealed(express, (app) => {
    app.get('/', (req, res) => {
      res.cookie('session', 'abc', { httpOnly: true }).cookie('theme', 'dark');
      res.set({ 'content-security-policy': "default-src 'self'", 'x-own': 'inside', 'retry-after': '7' });
      res.json({ cookie: req.get('cookie') });
    });
  });
  const network = recordingFetch();
  const response = await clientOf(server, { fetch: network })('/', { headers: { cookie: 'session=old' } });
  assert.equal(await response.json(), { cookie: 'session=old' });
  const outer = network.exchanges[0]?.responseHeaders as Headers;
  assert.equal(outer.getSetCookie(), ['session=abc; Path=/; HttpOnly', 'theme=dark; Path=/']);
  assert.is(outer.get('content-security-policy'), "default-src 'self'");
  assert.equal([outer.get('x-own'), outer.get('retry-after')], [null, null]);
  assert.equal([response.headers.get('x-own'), response.headers.get('retry-after')], ['inside', '7']);
  assert.is(response.headers.get('content-security-policy'), null);
  assert.equal(response.headers.getSetCookie(), []);
  assert.equal(response.sealed.outer.getSetCookie(), outer.getSetCookie());
});

onExpress('what the outside says under an inner name never reaches the caller', async (express) => {
  const server = await startSealed(express, (app) => {
    app.get('/', (_req, res) => void res.set('x-own', 'inside').send('body'));
  });
  const forged = ['location', 'www-authenticate', 'link', 'refresh', 'content-location', 'x-added'];
  const network = recordingFetch({
    response(response, url) {
      if (url.includes('/.well-known/')) return undefined;
      const headers = new Headers(response.headers);
      for (const name of ['x-own', 'etag', ...forged]) headers.set(name, 'outside');
      return new Response(response.body, { status: 503, headers });
    },
  });
  const response = await clientOf(server, { fetch: network })('/');
  assert.equal([response.status, response.sealed.status], [200, 503]);
  assert.is(response.headers.get('x-own'), 'inside');
  for (const name of forged) assert.is(response.headers.get(name), null, name);
  for (const [name, value] of response.headers) assert.is.not(value, 'outside', name);
  assert.not.match(response.headers.get('etag') as string, 'outside');
  assert.is(response.sealed.outer.get('x-added'), 'outside');
});

onExpress(
  'cors() mounted before answers preflights, and its headers stand on every answer',
  async (express) => {
    let handled = 0;
    const server = await startSealed(
      express,
      (app) => {
        app.all('/', (_req, res) => {
          handled++;
          res.set('x-shown', '1').send('sealed');
        });
      },
      { before },
    );
    const answer = await request(server.origin).options('/').set(preflight);
    assert.is(answer.status, 204);
    assert.match(answer.headers['access-control-allow-headers'] as string, 'sealwire');
    const network = recordingFetch();
    const response = await clientOf(server, { fetch: network })('/', {
      headers: { origin: 'https://page.example' },
    });
    assert.is(await response.text(), 'sealed');
    const outer = network.exchanges[0]?.responseHeaders as Headers;
    assert.is(outer.get('access-control-allow-origin'), 'https://page.example');
    assert.match(outer.get('vary') as string, /Origin.*Sealwire/);
    const refused = await request(server.origin).get('/');
    assert.is(refused.headers['sealwire'], 'sealed-required');
    assert.is(refused.headers['access-control-allow-origin'], 'https://page.example');
    assert.match(refused.headers['access-control-expose-headers'] as string, /X-Shown.*Sealwire/);
    assert.is(handled, 1);
  },
);

onExpress('a preflight that nothing answers is 403 and reaches no handler', async (express) => {
  let handled = 0;
  const server = await startSealed(express, (app) => {
    app.options('/', (_req, res) => {
      handled++;
      res.end();
    });
  });
  assert.is((await clientOf(server)('/', { method: 'OPTIONS' })).status, 200);
  const answer = await request(server.origin).options('/').set(preflight);
  assert.is(answer.status, 403);
  assert.is(answer.headers['sealwire'], 'preflight-unanswered');
  assert.match(JSON.parse(answer.text).title, 'cors()');
  assert.is(handled, 1);
  // What only looks like one is an ordinary plaintext request.
  const other = await request(server.origin).options('/').set({ origin: 'https://page.example' });
  assert.is(other.headers['sealwire'], 'sealed-required');
});

onExpress('trailers of the response travel in the last record', async (express) => {
  const server = await startSealed(express, (app) => {
    app.get('/:how', (req, res) => {
      res.set('trailer', 'x-sum');
      if (req.params['how'] !== 'end') res.write('body ');
      res.addTrailers({ 'X-Sum': '42', 'x-list': 'a' });
      res.end('end');
    });
  });
  const wire = await WireClient.connect(server);
  for (const [path, body] of [
    ['/write', 'body end'],
    ['/end', 'end'],
  ] as const) {
    const message = await wire.seal({ path });
    const response = await wire.send(message);
    assert.not.match(response.text, 'x-sum');
    const opened = await wire.open(message, response);
    assert.is(opened.body.toString(), body);
    assert.equal(opened.trailers, [
      ['x-sum', '42'],
      ['x-list', 'a'],
    ]);
    assert.is(opened.records.at(-1)?.kind, 'trailers');
  }
  assert.is(await (await clientOf(server)('/write')).text(), 'body end');
});

onExpress('trailers of the request are the sealed ones, not those of the chunks', async (express) => {
  const server = await startSealed(express, (app) => {
    app.post('/', (req, res) => {
      req
        .resume()
        .on('end', () =>
          res.json({ trailers: req.trailers, raw: req.rawTrailers, distinct: req.trailersDistinct }),
        );
    });
  });
  const wire = await WireClient.connect(server);
  const sealed = await wire.exchange({ body: 'body', length: false, trailers: [['x-sum', '42']] });
  assert.equal(JSON.parse(sealed.body.toString()), {
    trailers: { 'x-sum': '42' },
    raw: ['x-sum', '42'],
    distinct: { 'x-sum': ['42'] },
  });
  const connection = await RawConnection.open(server.port);
  const message = await wire.seal({ body: 'body' });
  const headers: [string, string][] = [
    ['Transfer-Encoding', 'chunked'],
    ['Trailer', 'x-sum'],
  ];
  await wire.sendHead(message, { connection, headers });
  const { length } = message.message;
  await connection.write(
    Buffer.concat([
      Buffer.from(`${length.toString(16)}\r\n`),
      message.message,
      Buffer.from('\r\n0\r\nx-sum: 13\r\n\r\n'),
    ]),
  );
  const opened = await wire.open(message, await connection.response());
  assert.equal(JSON.parse(opened.body.toString()), { trailers: {}, raw: [], distinct: {} });
});

onExpress('early hints are dropped, and their callback is called', async (express) => {
  let called = 0;
  const count = () => {
    called++;
  };
  const server = await startSealed(express, (app) => {
    app.get('/', (_req, res) => {
      res.writeEarlyHints({ link: '</secret.css>; rel=preload' }, count);
      // Newer versions of Node have it.
      const { writeInformation = (_status, _headers, callback) => callback() } = res as {
        writeInformation?: (status: number, headers: object, callback: () => void) => void;
      };
      writeInformation.call(res, 104, { 'x-inner': 'secret' }, count);
      res.send('page');
    });
  });
  const wire = await WireClient.connect(server);
  const connection = await RawConnection.open(server.port);
  const opened = await wire.exchange({}, { connection });
  assert.is(opened.body.toString(), 'page');
  assert.equal([connection.informational.length, called], [0, 2]);
});

onExpress('writeHeader, the old name of writeHead, seals the head, too', async (express) => {
  const server = await startSealed(express, (app) => {
    app.get('/', (_req, res) => {
      const old = res as unknown as { writeHeader(status: number, headers: object): void };
      old.writeHeader(201, { 'x-inner': 'secret' });
      res.end('page');
    });
  });
  const wire = await WireClient.connect(server);
  const message = await wire.seal();
  const response = await wire.send(message);
  assert.is(response.headers['x-inner'], undefined);
  const { status, fields } = await wire.open(message, response);
  assert.equal([status, Object.fromEntries(fields)['x-inner']], [201, 'secret']);
});

onExpress('a field of the name Sealwire is left out of what an application says', async (express) => {
  const server = await startSealed(express, (app) => {
    app.get(
      '/',
      (_req, res) => void res.set({ sealwire: 'rejected', 'sealwire-x': '1' }).status(400).send('upstream'),
    );
  });
  const wire = await WireClient.connect(server);
  const message = await wire.seal();
  const response = await wire.send(message);
  assert.equal([response.headers['sealwire'], response.headers['content-type']], [undefined, messageType]);
  const opened = await wire.open(message, response);
  assert.equal([fieldOf(opened, 'sealwire'), fieldOf(opened, 'sealwire-x')], [undefined, undefined]);
  const answer = await clientOf(server)('/');
  assert.equal([answer.status, await answer.text()], [400, 'upstream']);
  assertProblem(await wire.send({ ...message, message: Buffer.alloc(80) }), 'rejected');
});

test.run();
