// Errors of handlers and of the streams they answer with: sealed, answered, and told to the app as in plain.
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { messageType } from '@sealwire/core';
import type { Context } from 'koa';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from '../../../test/support/bytes.ts';
import { Arrivals, it, sleep, unhandledRejections, within } from '../../../test/support/cases.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { compress, type Koa, koas, onKoa, startKoa, startKoaTwins } from '../../../test/support/koa.ts';
import { failure } from '../../../test/support/problems.ts';

type Handler = (ctx: Context) => unknown;

/** What an error event tells. */
function eventOf(error: Error & { status?: number; headerSent?: boolean }): unknown[] {
  return [error.name, error.message, error.status, error.headerSent];
}

/** Notes the error events of an app. */
function noting(into: unknown[][]): (app: Koa) => void {
  return (app) => void app.on('error', (error) => into.push(eventOf(error)));
}

const errors: Record<string, Handler> = {
  'ctx.throw with a status': (ctx) => ctx.throw(403),
  'ctx.throw with a message that is exposed': (ctx) => ctx.throw(400, 'name required'),
  'ctx.throw with a message that is not': (ctx) => ctx.throw(503, 'secret'),
  'ctx.throw with fields': (ctx) => ctx.throw(401, 'who?', { headers: { 'www-authenticate': 'Basic' } }),
  'ctx.throw of 405': (ctx) => ctx.throw(405),
  'ctx.assert': (ctx) => ctx.assert(false, 418, 'teapot'),
  'an error': () => {
    throw new Error('secret');
  },
  'an error with a status that does not exist': () => {
    throw Object.assign(new Error('secret'), { status: 7 });
  },
  'an error that is exposed': () => {
    throw Object.assign(new Error('told'), { status: 500, expose: true });
  },
  'an error of the file system': () => {
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  },
  'no error at all': () => {
    throw 'a string';
  },
  'an error after fields and a body': (ctx) => {
    ctx.set('x-set', 'before');
    ctx.body = 'never sent';
    throw new Error('secret');
  },
  'an error of the body that JSON cannot say': (ctx) => {
    ctx.body = { toJSON: () => ctx.throw(500, 'secret') };
  },
};

onKoa("Koa's answers to errors are sealed and those of plain, as are the app's error events", async (Koa) => {
  const events: unknown[][] = [];
  const all = Object.values(errors);
  const twins = await startKoaTwins(
    Koa,
    (app) => {
      app.use((ctx) => all[Number(ctx.path.slice(1))]?.(ctx));
    },
    { before: noting(events) },
  );
  for (const [index, name] of Object.keys(errors).entries()) {
    const { plain, sealed } = await twins.ask(`/${index}`);
    assert.ok(sealed.status >= 400, name);
    assert.equal(sealed, plain, name);
    const [one, other] = events.splice(0);
    assert.equal(one, other, name);
    const response = await twins.sealed(`/${index}`);
    assert.is(response.sealed.outer.get('content-type'), messageType);
    assert.is(response.sealed.outer.get('www-authenticate'), null);
    await response.arrayBuffer();
    assert.is(events.splice(0).length, one === undefined ? 0 : 1, name);
  }
});

/** A stream that fails, after it gave something or at once. */
function failing(first?: Uint8Array): Readable {
  const stream = new PassThrough();
  if (first !== undefined) stream.write(first);
  setTimeout(() => stream.destroy(Object.assign(new Error('disk'), { status: 507 })), 20);
  return stream;
}

async function outcome(answer: Promise<Response>): Promise<unknown[]> {
  try {
    const response = await answer;
    return [response.status, await response.text()];
  } catch (error) {
    return [(error as Error).name];
  }
}

onKoa('a stream that fails before its first byte is answered as in plain', async (Koa) => {
  const events: unknown[][] = [];
  const over = new Arrivals<unknown[][]>();
  const twins = await startKoaTwins(
    Koa,
    (app) => {
      app.use((ctx) => {
        // Koa 3 tells of an error once more when the response closes.
        ctx.res.on('close', () => setImmediate(() => over.push(events.splice(0))));
        ctx.body = failing();
      });
    },
    { before: noting(events) },
  );
  const plain = [await outcome(twins.plain('/')), await over.next()];
  const sealed = [await outcome(twins.sealed('/')), await over.next()];
  assert.equal(sealed, plain);
  assert.ok((sealed[1] as unknown[]).length > 0);
});

const broken: Record<string, (ctx: Context) => unknown> = {
  'its stream fails': (ctx) => (ctx.body = failing(pattern(50_000))),
  'a stream with a length fails': (ctx) => {
    ctx.length = 60_000;
    ctx.body = failing(pattern(50_000));
  },
  'its handler fails': async (ctx) => {
    ctx.status = 200;
    ctx.res.write(pattern(50_000));
    await sleep(20);
    throw new Error('after the head');
  },
};

for (const [name, handler] of Object.entries(broken)) {
  onKoa(
    `a response is broken off where ${name}, which the app is told, and the next one is whole`,
    async (Koa) => {
      const unhandled = unhandledRejections();
      const events: unknown[][] = [];
      const closed = new Arrivals<void>();
      const server = await startKoa(
        Koa,
        (app) => {
          app.use((ctx) => {
            if (ctx.path === '/whole') ctx.body = 'whole';
            else return handler(ctx);
          });
        },
        {
          before(app) {
            noting(events)(app);
            app.use((ctx, next) => {
              ctx.res.on('close', () => closed.push());
              return next();
            });
          },
        },
      );
      const sealedFetch = clientOf(server);
      await sealedFetch.ready();
      for (const _ of [1, 2]) await closed.next('configuration and handshake');
      for (let i = 0; i < 3; i++) {
        const response = await sealedFetch('/');
        assert.is(response.status, 200);
        assert.instance(await failure(response.text()), TypeError);
        await closed.next('the end of the response');
        assert.is(await (await sealedFetch('/whole')).text(), 'whole');
        await closed.next();
      }
      const expected = name.includes('handler') ? 'after the head' : 'disk';
      // Koa 3 tells errors of streams twice.
      assert.ok(events.length >= 3);
      for (const [, message] of events) assert.is(message, expected);
      assert.equal(unhandled, []);
    },
  );
}

onKoa('what a handler answers by hand is not broken off by errors beside it', async (Koa) => {
  const twins = await startKoaTwins(Koa, (app) => {
    app.use((ctx) => {
      ctx.respond = false;
      ctx.res.writeHead(200);
      ctx.res.write('half');
      setTimeout(() => ctx.res.end(', whole'), 30);
      throw new Error('beside');
    });
  });
  const { plain, sealed } = await twins.ask('/');
  assert.is(sealed.body, 'half, whole');
  assert.equal(sealed, plain);
});

onKoa(
  'a client that goes away while a handler waits ends the response, and the handler goes on',
  async (Koa) => {
    const unhandled = unhandledRejections();
    const waiting = new Arrivals<Context>();
    const done = new Arrivals<string>();
    const events: unknown[][] = [];
    const go = new Arrivals<void>();
    const server = await startKoa(
      Koa,
      (app) => {
        app.use(async (ctx) => {
          waiting.push(ctx);
          await go.next();
          ctx.body = 'too late';
        });
      },
      {
        before(app) {
          noting(events)(app);
          app.use(async (ctx, next) => {
            await next();
            done.push(`${ctx.status} ${ctx.res.destroyed}`);
          });
        },
      },
    );
    const sealedFetch = clientOf(server);
    await sealedFetch.ready();
    for (const _ of [1, 2]) await done.next();
    for (const init of [{}, { method: 'POST', body: 'x' }]) {
      const leaving = new AbortController();
      const call = sealedFetch('/', { ...init, signal: leaving.signal });
      const ctx = await waiting.next('the handler');
      leaving.abort();
      assert.is(((await failure(call)) as Error).name, 'AbortError');
      if (!ctx.res.destroyed) await within(once(ctx.res, 'close'), 'close');
      go.push();
      assert.is(await done.next('the middleware above'), '200 true');
    }
    assert.equal(events, []);
    assert.equal(unhandled, []);
  },
);

// Koa 3 hides the errors of a body from whoever put another in its place, with or without Sealwire.
it('a stream that fails below a compression breaks the response off (Koa 2)', async () => {
  const stream = new PassThrough();
  const server = await startKoa(koas[0].Koa, (app) => {
    app.use(compress({ threshold: 0 }));
    app.use((ctx) => {
      ctx.type = 'text';
      ctx.body = stream;
    });
  });
  stream.write(pattern(500_000));
  const response = await clientOf(server)('/');
  assert.is(response.headers.get('content-encoding'), 'gzip');
  stream.destroy(new Error('disk'));
  assert.instance(await failure(response.text()), TypeError);
});

test.run();
