// Koa over http2: bodies, errors, refusals, and streams that fail.
import { PassThrough } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from '../../../test/support/bytes.ts';
import { it } from '../../../test/support/cases.ts';
import { Http2Client } from '../../../test/support/http2-client.ts';
import { failure } from '../../../test/support/problems.ts';
import { type Stack, stacks, startStack } from '../../../test/support/stacks.ts';
import { fieldOf } from '../../../test/support/wire-message.ts';

const koaOnHttp2 = stacks.find(({ kind, http2 }) => kind === 'koa' && http2) as Stack;

async function start(): Promise<Http2Client> {
  const server = await startStack(koaOnHttp2, {
    koa(app) {
      app.use(async (ctx) => {
        if (ctx.path === '/throws') ctx.throw(403, 'no', { headers: { 'x-why': 'because' } });
        if (ctx.path === '/echo') ctx.body = ctx.req;
        if (ctx.path === '/hand') {
          ctx.respond = false;
          ctx.res.writeHead(202);
          ctx.res.end('by hand');
        }
        if (ctx.path === '/fails') {
          const stream = new PassThrough();
          stream.write(pattern(50_000));
          setTimeout(() => stream.destroy(new Error('disk')), 20);
          ctx.body = stream;
        }
      });
    },
  });
  return Http2Client.connect(server);
}

it('what Koa answers is sealed, its errors too', async () => {
  const client = await start();
  const nothing = await client.exchange({ path: '/missing', method: 'GET' });
  assert.equal([nothing.opened?.status, nothing.opened?.body.toString()], [404, '404']);
  const thrown = await client.exchange({ path: '/throws', method: 'GET' });
  assert.equal([thrown.opened?.status, thrown.opened?.body.toString()], [403, 'no']);
  assert.is(thrown.opened && fieldOf(thrown.opened, 'x-why'), 'because');
  assert.is(thrown.headers['x-why'], undefined);
  const hand = await client.exchange({ path: '/hand', method: 'GET' });
  assert.equal([hand.opened?.status, hand.opened?.body.toString()], [202, 'by hand']);
  for (const size of [0, 1000, 300_000]) {
    const { opened } = await client.exchange({ path: '/echo', body: pattern(size) });
    assert.ok(opened?.complete);
    assert.equal(opened?.body, Buffer.from(pattern(size)));
  }
});

it('what is damaged is refused, and a stream that fails is whole for nobody', async () => {
  const client = await start();
  const damaged = (bytes: Buffer) => flipped(bytes, 4000);
  const { headers } = await client.exchange({ path: '/echo', body: pattern(1000) }, damaged);
  assert.equal([headers[':status'], headers['sealwire']], [400, 'rejected']);
  for (let i = 0; i < 2; i++) {
    const broken = await failure(client.exchange({ path: '/fails', method: 'GET' }));
    assert.match((broken as Error).message, 'NGHTTP2_INTERNAL_ERROR');
    assert.is((await client.exchange({ path: '/hand', method: 'GET' })).opened?.status, 202);
  }
  const plaintext = await client.send({ ':path': '/hand' });
  assert.equal([plaintext.headers[':status'], plaintext.headers['sealwire']], [400, 'sealed-required']);
});

test.run();
