// The same test, run with supertest and with a sealed agent, on every framework.
import type { IncomingMessage, RequestListener } from 'node:http';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { MemorySessionStore } from '@sealwire/core';
import { sealedAgent } from '@sealwire/testing';
import supertest from 'supertest';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Arrivals, deferred, it } from '../../../test/support/cases.ts';
import { stacks, startStack } from '../../../test/support/stacks.ts';

type Agent = InstanceType<typeof supertest.agent>;

/** Registers a test for every framework: with supertest itself, sealed, and sealed with a server that listens. */
function passes(name: string, make: () => { listener: RequestListener; run(agent: Agent): unknown }): void {
  for (const stack of stacks.filter(({ http2 }) => !http2)) {
    const origin = 'https://orders.example';
    it(`${name} (${stack.name}, plain)`, async () => {
      const { listener, run } = make();
      await run(supertest.agent(stack.listener({ listener }, origin, undefined)));
    });
    it(`${name} (${stack.name}, sealed)`, async () => {
      const { listener, run } = make();
      await run(sealedAgent(stack.listener({ listener }, origin, new MemorySessionStore())));
    });
    it(`${name} (${stack.name}, sealed, a server that listens)`, async () => {
      const { listener, run } = make();
      const { server } = await startStack(stack, { listener });
      await run(sealedAgent(server));
      assert.ok(server.listening);
    });
  }
}

/** Says what arrived. */
async function echo(req: IncomingMessage, res: Parameters<RequestListener>[1]): Promise<void> {
  const { method, url, headers } = req;
  const body = await text(req);
  res.writeHead(201, { 'content-type': 'application/json; charset=utf-8' });
  res.end(JSON.stringify({ method, url, headers, body }));
}

passes('what is sent and set arrives, and what is expected is compared', () => ({
  listener: echo,
  async run(agent) {
    const response = await agent
      .put('/orders?a=1')
      .query({ b: '2 3' })
      .set('x-tenant', 'tea')
      .set('Authorization', 'Bearer abc')
      .send({ item: 'tea' })
      .expect(201)
      .expect('content-type', /json/)
      .expect((res) => assert.is(res.body.method, 'PUT'));
    const { url, headers, body } = response.body;
    assert.is(url, '/orders?a=1&b=2%203');
    assert.is(headers['x-tenant'], 'tea');
    assert.is(headers.authorization, 'Bearer abc');
    assert.is(headers['content-type'], 'application/json');
    assert.is(headers['content-length'], '14');
    assert.is(headers.connection, 'close');
    assert.is(headers['x-sealwire-test'], undefined);
    assert.is(body, '{"item":"tea"}');
  },
}));

passes('an expectation that fails says what supertest says', () => ({
  listener: (_req, res) => res.writeHead(404).end('no tea'),
  async run(agent) {
    await rejects(agent.get('/').expect(200), /expected 200 "OK", got 404 "Not Found"/);
    await rejects(agent.get('/').expect('tea'), /expected 'tea' response body, got 'no tea'/);
    await agent.get('/').expect(404, 'no tea');
  },
}));

passes('files are attached beside fields', () => ({
  listener: echo,
  async run(agent) {
    const { body } = await agent
      .post('/upload')
      .field('item', 'tea')
      .attach('leaf', Buffer.from('green'), 'leaf.txt')
      .expect(201);
    assert.match(body.headers['content-type'], /^multipart\/form-data; boundary=/);
    assert.match(body.body, /name="item"\r\n\r\ntea\r\n/);
    assert.match(body.body, /name="leaf"; filename="leaf.txt"\r\nContent-Type: text\/plain\r\n\r\ngreen\r\n/);
  },
}));

passes('an agent keeps cookies', () => ({
  listener(req, res) {
    if (req.url === '/login')
      res.setHeader('set-cookie', ['who=me; Path=/; HttpOnly', 'where=here; Path=/else']);
    res.end(req.headers.cookie ?? 'nobody');
  },
  async run(agent) {
    await agent.get('/').expect('nobody');
    await agent.get('/login').expect('set-cookie', /who=me/);
    await agent.get('/').expect('who=me');
    await agent.get('/else').expect('who=me; where=here');
  },
}));

passes('a redirect is an answer, and is followed if the test says so', () => ({
  listener(req, res) {
    if (req.url === '/new') res.end('new');
    else res.writeHead(302, { location: req.url === '/far' ? 'https://elsewhere.example/' : '/new' }).end();
  },
  async run(agent) {
    await agent.get('/old').expect(302).expect('location', '/new');
    await agent.get('/far').expect('location', 'https://elsewhere.example/');
    const response = await agent.post('/old').send('x').redirects(1).expect(200, 'new');
    assert.is(response.redirects.length, 1);
  },
}));

passes('an absolute redirect to the app itself stays what it is', () => ({
  listener(req, res) {
    const { host } = req.headers;
    res.writeHead(302, { location: `http://${host}/new`, 'x-host': host }).end();
  },
  async run(agent) {
    const { headers } = await agent.get('/old').expect(302);
    assert.is(headers.location, `http://${headers['x-host']}/new`);
  },
}));

passes('HEAD has the fields of GET and no body', () => ({
  listener: (_req, res) => res.setHeader('content-length', 5).end('hello'),
  async run(agent) {
    const { text: body } = await agent.head('/').expect(200).expect('content-length', '5');
    assert.is(body, undefined);
    await agent.get('/').expect('content-length', '5').expect('hello');
  },
}));

const binary = Buffer.alloc(
  200_000,
  Uint8Array.from({ length: 251 }, (_, index) => index),
);

passes('bytes are buffered, or parsed by the test', () => ({
  listener: (_req, res) => res.setHeader('content-type', 'application/octet-stream').end(binary),
  async run(agent) {
    const buffered = await agent.get('/').expect(200);
    assert.ok(binary.equals(buffered.body));
    const counted = await agent.get('/').parse((response, done) => {
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      (response as unknown as IncomingMessage).on('end', () => done(null, length));
    });
    assert.is(counted.body, binary.length);
  },
}));

passes('events arrive one by one, piped', () => {
  const seen = new Arrivals<string>();
  const more = deferred();
  return {
    async listener(_req, res) {
      res.setHeader('content-type', 'text/event-stream');
      res.write('data: 1\n\n');
      await more.promise;
      res.end('data: 2\n\n');
    },
    async run(agent) {
      const stream = new PassThrough();
      stream.setEncoding('utf8').on('data', (chunk: string) => seen.push(chunk));
      stream.on('end', () => seen.push('end'));
      agent.get('/events').buffer(false).pipe(stream);
      assert.is(await seen.next(), 'data: 1\n\n');
      more.resolve();
      assert.is(await seen.next(), 'data: 2\n\n');
      assert.is(await seen.next(), 'end');
    },
  };
});

passes('a test that gives up is an aborted request for the app', () => {
  const gone = new Arrivals<void>();
  return {
    listener: (_req, res) => res.on('close', () => gone.push()),
    async run(agent) {
      const error = await rejects(agent.get('/').timeout(300), /Timeout of 300ms exceeded/);
      assert.is((error as { code?: string }).code, 'ECONNABORTED');
      await gone.next('the end of the request');
    },
  };
});

passes('requests run side by side', () => ({
  listener: echo,
  async run(agent) {
    const numbers = Array.from({ length: 12 }, (_, index) => index);
    const responses = await Promise.all(numbers.map((n) => agent.post(`/${n}`).send({ n }).expect(201)));
    assert.equal(
      responses.map(({ body }) => [body.url, JSON.parse(body.body).n]),
      numbers.map((n) => [`/${n}`, n]),
    );
  },
}));

passes('a connection that the app closes is a connection that was closed', () => ({
  listener(req, res) {
    if (req.url === '/begun') res.write('only a part', () => res.destroy());
    else res.destroy();
  },
  async run(agent) {
    const error = await rejects(agent.get('/'), /socket hang up/);
    assert.is((error as { code?: string }).code, 'ECONNRESET');
    await rejects(agent.get('/begun'), /aborted/);
  },
}));

async function rejects(promise: PromiseLike<unknown>, message: RegExp): Promise<Error> {
  const error = await Promise.resolve(promise).then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.match(error?.message ?? 'it did not fail', message);
  return error as Error;
}

test.run();
