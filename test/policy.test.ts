// Under `require` a plaintext request is told what to do and reaches nothing; under `allow` it passes, unsealed.
import { configurationPath, problemType } from '@sealwire/core';
import { allowPlaintext, requireSealed } from '@sealwire/express';
import type { Application } from 'express';
import request from 'supertest';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Express, onExpress } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { startSealed } from './support/servers.ts';

let handled = 0;

function routes(app: Application, express: Express): void {
  handled = 0;
  app.use(express.json());
  app.all('/orders', (req, res) => {
    handled++;
    res.json({ sealed: req.sealed !== undefined, body: req.body ?? null });
  });
  app.get('/sealed-only', requireSealed(), (_req, res) => {
    handled++;
    res.send('secret');
  });
}

onExpress('a plaintext request is refused with a problem that says what to do', async (express) => {
  const server = await startSealed(express, routes);
  const sealed = await clientOf(server)('/orders', {
    method: 'POST',
    body: '{"a":1}',
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(await sealed.json(), { sealed: true, body: { a: 1 } });
  for (const method of ['get', 'post', 'put', 'patch', 'delete', 'options'] as const) {
    const answer = await request(server.origin)
      [method]('/orders')
      .send(method === 'get' ? undefined : { a: 1 });
    assert.is(answer.status, 400, method);
    assert.is(answer.type, problemType);
    assert.is(answer.headers['sealwire'], 'sealed-required');
    assert.match(answer.headers['cache-control'] as string, 'no-store');
    const problem = JSON.parse(answer.text);
    assert.equal(Object.keys(problem).sort(), ['code', 'status', 'title', 'type']);
    assert.match(problem.title, '@sealwire/client');
    assert.is(problem.type, 'urn:sealwire:problem:sealed-required');
    assert.is(problem.code, 'sealed-required');
    assert.is(problem.status, 400);
  }
  const head = await request(server.origin).head('/orders');
  assert.is(head.status, 400);
  assert.is(handled, 1);
});

onExpress('routes that do not exist are not told apart in plaintext', async (express) => {
  const server = await startSealed(express, routes);
  assert.is((await clientOf(server)('/missing')).status, 404);
  const missing = await request(server.origin).get('/missing');
  assert.is(missing.headers['sealwire'], 'sealed-required');
  const malformed = await request(server.origin).get('/%E0%A4%A');
  assert.is(Math.floor(malformed.status / 100), 4);
  assert.is((await request(server.origin).get('/orders')).status, 400);
});

onExpress(
  'under `allow` plaintext passes without req.sealed, and sealed requests as ever',
  async (express) => {
    const server = await startSealed(express, routes, { policy: 'allow' });
    const plain = await request(server.origin).post('/orders').send({ a: 1 });
    assert.equal(plain.body, { sealed: false, body: { a: 1 } });
    const sealed = await clientOf(server)('/orders', {
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(await sealed.json(), { sealed: true, body: { a: 1 } });
  },
);

onExpress('requireSealed() refuses plaintext on its route under `allow`', async (express) => {
  const server = await startSealed(express, routes, { policy: 'allow' });
  assert.is(await (await clientOf(server)('/sealed-only')).text(), 'secret');
  const plain = await request(server.origin).get('/sealed-only');
  assert.is(plain.status, 400);
  assert.is(JSON.parse(plain.text).code, 'sealed-required');
  assert.is(handled, 1);
});

onExpress('who claims to be sealed is sealed or refused, also under `allow`', async (express) => {
  const server = await startSealed(express, routes, { policy: 'allow' });
  assert.is((await request(server.origin).post('/orders').send({})).status, 200);
  const agent = request(server.origin);
  const claims = [
    agent.post('/orders').set('content-type', 'application/vnd.sealwire').send('{}'),
    agent.post('/orders').set('content-type', 'Application/Vnd.Sealwire; charset=utf-8').send('{}'),
    agent.post('/orders').set('sealwire', 'v=1').send({}),
    agent.get('/orders').set('sealwire', ''),
    agent.get('/sealed-only').set('sealwire', 'anything'),
  ];
  for (const claim of claims) {
    const answer = await claim;
    assert.is(answer.status, 400);
    assert.is(answer.headers['sealwire'], 'malformed');
  }
  assert.is(handled, 1);
});

onExpress('the configuration is published to everyone, HEAD included', async (express) => {
  const server = await startSealed(express, routes);
  const get = await request(server.origin).get(configurationPath);
  assert.is(get.status, 200);
  assert.match(get.headers['cache-control'] as string, /^public, max-age=\d+$/);
  const head = await request(server.origin).head(configurationPath);
  assert.is(head.status, 200);
  assert.is(head.headers['content-length'], get.headers['content-length']);
  const post = await request(server.origin).post(configurationPath);
  assert.is(post.headers['sealwire'], 'sealed-required');
});

onExpress('a public route under `allowPlaintext()` serves both kinds of request', async (express) => {
  const server = await startSealed(express, (app, version) => {
    routes(app, version);
    app.get('/health', allowPlaintext(), (req, res) => {
      res.json(req.sealed !== undefined);
    });
  });
  assert.is((await request(server.origin).get('/health')).body, false);
  assert.is(await (await clientOf(server)('/health')).json(), true);
  assert.is((await request(server.origin).get('/orders')).status, 400);
});

test.run();
