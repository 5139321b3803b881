// Every way to answer in Koa gives the client what it gives it without Sealwire.
import { PassThrough, Readable } from 'node:stream';
import { messageType } from '@sealwire/core';
import type { Context } from 'koa';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from '../../../test/support/bytes.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { type KoaClass, onKoa, startKoa, startKoaTwins } from '../../../test/support/koa.ts';

type Answer = (ctx: Context) => unknown;

const answers: Record<string, Answer> = {
  nothing: () => {},
  'a string': (ctx) => (ctx.body = 'plain häppy'),
  'a string of markup': (ctx) => (ctx.body = '<p>häppy</p>'),
  'an empty string': (ctx) => (ctx.body = ''),
  bytes: (ctx) => (ctx.body = Buffer.from([0, 255, 1])),
  'an object': (ctx) => (ctx.body = { a: [1, 'ü', null] }),
  'a number': (ctx) => (ctx.body = 7),
  null: (ctx) => (ctx.body = null),
  'null with a status': (ctx) => {
    ctx.body = null;
    ctx.status = 200;
  },
  'a status': (ctx) => (ctx.status = 418),
  'a status that Koa has no words for': (ctx) => (ctx.status = 299),
  'a status without a body': (ctx) => {
    ctx.status = 204;
    ctx.body = 'dropped';
  },
  'a message of its own': (ctx) => {
    ctx.status = 200;
    ctx.message = 'mine';
  },
  'not modified': (ctx) => {
    ctx.status = 200;
    ctx.set('etag', '"one"');
    ctx.body = 'dropped';
    ctx.status = 304;
  },
  'a stream': (ctx) => (ctx.body = Readable.from(['a', pattern(100_000), 'b'])),
  'a stream of a known length': (ctx) => {
    ctx.type = 'text/csv';
    ctx.length = 3;
    ctx.body = Readable.from(['a,b']);
  },
  'a stream that is written later': (ctx) => {
    const stream = new PassThrough();
    ctx.body = stream;
    setTimeout(() => stream.end('later'), 10);
  },
  'a body that takes the place of another': (ctx) => {
    ctx.body = Readable.from(['first']);
    ctx.body = { second: true };
  },
  'a redirect': (ctx) => ctx.redirect('/elsewhere?a=1'),
  'a redirect of another kind': (ctx) => {
    ctx.redirect('https://other.example/');
    ctx.status = 307;
  },
  'an attachment': (ctx) => {
    ctx.attachment('a b.txt');
    ctx.body = 'attached';
  },
  'fields of all kinds': (ctx) => {
    ctx.set({ 'X-One': '1', 'x-list': ['a', 'b'], 'strict-transport-security': 'max-age=1' });
    ctx.append('link', '<a>');
    ctx.append('link', '<b>');
    ctx.vary('Accept');
    ctx.etag = 'tag';
    ctx.lastModified = new Date(0);
    ctx.body = 'fields';
  },
  cookies: (ctx) => {
    ctx.cookies.set('a', '1', { httpOnly: true });
    ctx.cookies.set('b', '2');
    ctx.body = 'baked';
  },
  'a head that is flushed': (ctx) => {
    ctx.status = 200;
    ctx.flushHeaders();
    ctx.body = 'flushed';
  },
  'Node by hand': (ctx) => {
    ctx.respond = false;
    ctx.res.writeHead(201, { 'x-by': 'hand' });
    ctx.res.write('one ');
    setTimeout(() => ctx.res.end('two'), 10);
  },
  'Node by hand, unannounced': (ctx) => {
    ctx.res.statusCode = 202;
    ctx.res.end('done');
  },
  'a write, the rest by Koa': (ctx) => {
    ctx.res.statusCode = 200;
    ctx.res.write('one ');
    ctx.body = 'two';
  },
};

/** Bodies that came with Koa 3. */
const newAnswers: Record<string, Answer> = {
  'a web stream': (ctx) => (ctx.body = new Blob(['web ', 'stream']).stream()),
  'a Blob': (ctx) => (ctx.body = new Blob(['blob'], { type: 'text/x-blob' })),
  'a Response': (ctx) => {
    ctx.body = new Response('response', {
      status: 203,
      headers: { 'x-of': 'response', 'content-type': 'a/b' },
    });
  },
  'a Response without a body': (ctx) => (ctx.body = new Response(null, { status: 200 })),
};

function answersOf(Koa: KoaClass): [string, Answer][] {
  return Object.entries(hasNewBodies(Koa) ? { ...answers, ...newAnswers } : answers);
}

function hasNewBodies(Koa: KoaClass): boolean {
  return !('createAsyncCtxStorageMiddleware' in Koa.prototype);
}

onKoa('status, fields and body are the same with and without Sealwire', async (Koa) => {
  const all = answersOf(Koa);
  assert.is(all.length, Object.keys(answers).length + (hasNewBodies(Koa) ? 4 : 0));
  const twins = await startKoaTwins(Koa, (app) => {
    app.use((ctx) => void all[Number(ctx.path.slice(1))]?.[1](ctx));
  });
  for (const [index, [name]] of all.entries()) {
    for (const method of ['GET', 'POST', 'HEAD']) {
      const { plain, sealed } = await twins.ask(`/${index}`, () => ({ method, redirect: 'manual' }));
      assert.equal(sealed, plain, `${method}: ${name}`);
    }
  }
});

onKoa('nothing of an answer is outside, however it is given', async (Koa) => {
  const all = answersOf(Koa);
  const server = await startKoa(Koa, (app) => {
    app.use((ctx) => void all[Number(ctx.path.slice(1))]?.[1](ctx));
  });
  const sealedFetch = clientOf(server);
  for (const [index, [name]] of all.entries()) {
    const response = await sealedFetch(`/${index}`, { redirect: 'manual' });
    const { outer } = response.sealed;
    assert.is(outer.get('content-type'), messageType, name);
    for (const inside of [
      'location',
      'etag',
      'last-modified',
      'link',
      'x-one',
      'x-by',
      'content-disposition',
    ])
      assert.is(outer.get(inside), null, `${inside} of ${name}`);
    await response.arrayBuffer();
  }
});

onKoa('ctx.fresh compares with the sealed If-None-Match', async (Koa) => {
  const twins = await startKoaTwins(Koa, (app) => {
    app.use((ctx) => {
      ctx.status = 200;
      ctx.etag = 'one';
      if (ctx.fresh) ctx.status = 304;
      else ctx.body = 'whole';
    });
  });
  for (const [etag, status] of [
    ['"one"', 304],
    ['"two"', 200],
  ] as const) {
    const { plain, sealed } = await twins.askBare('/', { 'if-none-match': etag });
    assert.is(sealed.status, status);
    assert.equal(sealed, plain);
  }
});

test.run();
