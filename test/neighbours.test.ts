// Middleware around Sealwire: what was set before it is seen behind it, and what handlers do wrong is told them as Node
// tells it.
import { AsyncLocalStorage } from 'node:async_hooks';
import { messageType } from '@sealwire/core';
import type { Application } from 'express';
import morgan from 'morgan';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { onExpress } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { assertProblem } from './support/problems.ts';
import { RawConnection } from './support/raw-http.ts';
import { startSealed } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

onExpress('what earlier middleware puts into req.headers reaches the handler', async (express) => {
  const server = await startSealed(
    express,
    (app) => {
      app.get('/headers', (req, res) => res.json(req.headers));
    },
    {
      before(app) {
        app.use((req, _res, next) => {
          req.headers['x-request-id'] ??= 'made here';
          req.headers['x-tenant'] = 'looked up';
          // Sealed fields are the client's alone.
          req.headers.authorization = 'forged';
          next();
        });
      },
    },
  );
  const headers = await (await clientOf(server)('/headers', { headers: { 'accept-language': 'de' } })).json();
  assert.is(headers['x-request-id'], 'made here');
  assert.is(headers['x-tenant'], 'looked up');
  assert.is(headers['accept-language'], 'de');
  assert.is(headers.authorization, undefined);
  assert.is(headers.host, new URL(server.origin).host);
});

onExpress('what earlier middleware keeps in AsyncLocalStorage is there behind a body', async (express) => {
  const storage = new AsyncLocalStorage<string>();
  const server = await startSealed(
    express,
    (app) => {
      app.use((_req, res) => void res.send(storage.getStore()));
    },
    { before: (app) => void app.use((req, _res, next) => storage.run(`for ${req.url}`, next)) },
  );
  const sealedFetch = clientOf(server);
  const calls = [{}, { method: 'POST', body: 'x' }, { method: 'POST', body: pattern(200_000) }];
  const answers = calls.map(async (init, index) => (await sealedFetch(`/${index}`, init)).text());
  assert.equal(await Promise.all(answers), ['for /0', 'for /1', 'for /2']);
});

function trailers(app: Application): void {
  app.get('/trailers', (req, res) => {
    const { name = 'x-sum', value = '1', length } = req.query as Record<string, string>;
    res.write('body');
    try {
      res.addTrailers({ [name]: length === undefined ? value : 'v'.repeat(Number(length)) });
      res.end();
    } catch (error) {
      res.end((error as NodeJS.ErrnoException).code);
    }
  });
}

onExpress(
  'an access log in front tells what the application answered, and to whom it refused',
  async (express) => {
    const lines: Record<'in front' | 'at once' | 'behind', string[]> = {
      'in front': [],
      'at once': [],
      behind: [],
    };
    const log = (where: keyof typeof lines, immediate = false) =>
      morgan(':method :url :status :res[content-length] :req[content-type]', {
        immediate,
        stream: { write: (line) => void lines[where].push(line.trim()) },
      });
    const server = await startSealed(
      express,
      (app) => {
        app.use(log('behind'));
        app.post('/orders', express.json(), (req, res) => void res.status(201).json(req.body));
      },
      { before: (app) => void app.use(log('in front'), log('at once', true)) },
    );
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: '{"item":"tea"}' };
    assert.is((await clientOf(server)('/orders?a=1', init)).status, 201);
    assert.is((await fetch(`${server.origin}/orders`, init)).status, 400);

    const [configuration, handshake, answered, refused] = lines['in front'] as string[];
    assert.match(configuration as string, /^GET \/\.well-known\/sealwire 200 /);
    assert.match(handshake as string, /^POST \/\.well-known\/sealwire\/handshake 200 /);
    assert.is(answered, 'POST /orders?a=1 201 14 application/json');
    assert.match(refused as string, /^POST \/orders 400 \d+ application\/json$/);
    assert.equal(lines.behind, [answered]);
    // What is logged before the answer is what stands on the wire.
    assert.is(lines['at once'][2], `POST /orders?a=1 - - ${messageType}`);
  },
);

onExpress('trailers that Node refuses are refused at once, and the response still ends', async (express) => {
  const server = await startSealed(express, trailers);
  const sealedFetch = clientOf(server);
  const read = async (query: string) => (await sealedFetch(`/trailers${query}`)).text();
  assert.is(await read(''), 'body');
  assert.is(await read('?value=%20padded%20'), 'body');
  assert.is(await read('?value=%E2%82%AC'), 'bodyERR_INVALID_CHAR');
  assert.is(await read('?name=x%20y'), 'bodyERR_INVALID_HTTP_TOKEN');
  assert.is(await read('?length=16000'), 'body');
  assert.is(await read('?length=17000'), 'bodyresponse-head-too-large');
});

onExpress('the reason phrase stays inside, also for a status that has none of its own', async (express) => {
  const server = await startSealed(express, (app) => {
    app.get('/:status', (req, res) => {
      res.statusMessage = 'SECRET';
      res.status(Number(req.params.status)).end();
    });
  });
  const network = recordingFetch({
    response(response) {
      phrases.push(response.statusText);
      return undefined;
    },
  });
  const phrases: string[] = [];
  const sealedFetch = clientOf(server, { fetch: network });
  for (const status of [200, 404, 419, 299, 499, 599])
    assert.is((await sealedFetch(`/${status}`)).status, status);
  assert.is(phrases.length, 8);
  assert.not.ok(phrases.includes('SECRET'), phrases.join());
});

onExpress('a parameter that cannot be decoded tells nobody which routes there are', async (express) => {
  const server = await startSealed(express, (app) => {
    app.get('/items/:id', (_req, res) => res.end());
  });
  for (const path of ['/items/1', '/items/%zz', '/nothing/%zz']) {
    const response = await fetch(server.origin + path);
    assert.equal([response.status, (await response.json()).code], [400, 'sealed-required'], path);
  }
});

onExpress(
  'outer fields of the name of Sealwire, and the outer trailer field, do not reach the handler',
  async (express) => {
    const server = await startSealed(express, (app) => {
      app.post('/headers', (req, res) => res.json(req.headers));
    });
    const wire = await WireClient.connect(server);
    const exchange = async (headers: [string, string][]) => {
      const message = await wire.seal({ path: '/headers', body: 'x' });
      return wire.open(message, await wire.send(message, { headers }));
    };
    const genuine = JSON.parse((await exchange([['X-Passed', 'on']])).body.toString());
    assert.is(genuine['x-passed'], 'on');
    const outside: [string, string][] = [
      ['Sealwire-Time', '1'],
      ['Sealwire-Repeat', 'forged'],
      ['Trailer', 'authorization'],
    ];
    const seen = JSON.parse((await exchange(outside)).body.toString());
    for (const [name] of outside) assert.is(seen[name.toLowerCase()], undefined, name);
  },
);

onExpress('a second Content-Type does not make a sealed one plaintext', async (express) => {
  const server = await startSealed(express, (app) => app.use((_req, res) => void res.send('plain')), {
    policy: 'allow',
  });
  const answer = async (...types: string[]) => {
    const connection = await RawConnection.open(server.port);
    const lines = types.map((type) => `Content-Type: ${type}\r\n`).join('');
    await connection.write(`POST / HTTP/1.1\r\nHost: x\r\n${lines}Content-Length: 0\r\n\r\n`);
    return connection.response();
  };
  assert.is((await answer('text/plain')).status, 200);
  assertProblem(await answer('application/vnd.sealwire'), 'malformed');
  assertProblem(await answer('application/vnd.sealwire', 'text/plain'), 'malformed');
  assertProblem(await answer('text/plain', 'application/vnd.sealwire'), 'malformed');
});

test.run();
