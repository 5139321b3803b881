import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { both, cutIsAnEnd, failing, withField } from './common.ts';
import { ofBodies } from './koa-bodies.ts';
import type { KoaAnswer, Table } from './matrix.ts';
import { codeOf } from './transport.ts';
import { type Log, noting, outcome, stateOf } from './watch.ts';

const statuses: Table<KoaAnswer> = Object.fromEntries(
  [
    200, 201, 202, 204, 205, 206, 301, 304, 400, 401, 404, 407, 413, 418, 421, 425, 431, 451, 500, 503, 511,
  ].flatMap((status): [string, Table<KoaAnswer>[string]][] => [
    [
      `status ${status} without a body`,
      {
        questions: both,
        answer: (ctx, log) => {
          ctx.status = status;
          log([ctx.message, ctx.body]);
        },
      },
    ],
    [
      `status ${status} with a body`,
      (ctx) => {
        ctx.status = status;
        ctx.body = 'a body';
      },
    ],
    [
      `status ${status} with null`,
      (ctx) => {
        ctx.status = status;
        ctx.body = null;
      },
    ],
    [
      `throw of ${status}`,
      {
        questions: [{}],
        differs: ({ http2 }) => {
          const failed = 'http2 refuses a body with this status, which Koa sends; sealed it is left out';
          if (http2 && status === 204) return { failed, log: failed };
          return http2 && status === 205 ? { failed } : {};
        },
        answer: (ctx) => ctx.throw(status, 'why'),
      },
    ],
  ]),
);

/** Something is set, then there is a body. */
const set = (run: (ctx: Context, log: Log) => unknown): KoaAnswer => {
  return (ctx, log) => {
    log(outcome(() => run(ctx, log)));
    log(stateOf(ctx.res));
    ctx.body ??= 'body';
  };
};

const setting: Table<KoaAnswer> = {
  'set and append': set((ctx) => {
    ctx.set({ 'X-A': '1', 'x-b': '2' });
    ctx.append('x-b', '3');
    ctx.append('link', ['<a>', '<b>']);
    ctx.remove('x-a');
  }),
  type: set((ctx) => {
    ctx.type = 'csv';
  }),
  'type, removed': set((ctx) => {
    ctx.body = 'x';
    ctx.type = '';
  }),
  length: set((ctx) => {
    ctx.length = 4;
  }),
  'length too small': set((ctx, log) => {
    ctx.body = 'longer';
    log(ctx.length);
  }),
  etag: set((ctx) => {
    ctx.etag = 'mine';
  }),
  lastModified: set((ctx) => {
    ctx.lastModified = new Date(0);
  }),
  attachment: set((ctx) => ctx.attachment('file.html')),
  'attachment beyond ASCII': set((ctx) => ctx.attachment('€.html')),
  vary: set((ctx) => {
    ctx.vary('Accept');
    ctx.vary('Origin');
  }),
  cookies: set((ctx) => {
    ctx.cookies.set('a', '1', { httpOnly: true });
    ctx.cookies.set('b', null);
  }),
  message: set((ctx) => {
    ctx.status = 200;
    ctx.message = 'Odd';
  }),
  'status that is none': set((ctx) => {
    ctx.status = 999;
  }),
  'a body replaced by a string': set((ctx) => {
    ctx.body = { a: 1 };
    ctx.body = 'text';
  }),
  'a stream replaced by a string': async (ctx, log) => {
    const source = Readable.from(['never']);
    source.on('close', () => log(['closed', source.destroyed]));
    ctx.body = source;
    ctx.body = 'text';
    await new Promise((resolve) => setTimeout(resolve, 10));
  },
  'a string replaced by null': set((ctx) => {
    ctx.body = 'text';
    ctx.body = null;
  }),
  'null, then a status': (ctx) => {
    ctx.body = null;
    ctx.status = 200;
  },
  'writable and headerSent': set((ctx, log) => log([ctx.writable, ctx.headerSent, ctx.response.toJSON()])),
};

const negotiated: Table<KoaAnswer> = {
  'an ETag that matches': {
    questions: [
      {},
      ...withField(['if-none-match', '"mine"'], ['if-none-match', '"other"'], ['if-none-match', '*']),
      { method: 'HEAD', fields: { 'if-none-match': '"mine"' } },
      { method: 'POST', body: 'x', fields: { 'if-none-match': '"mine"' } },
    ],
    answer: (ctx, log) => {
      ctx.status = 200;
      ctx.etag = 'mine';
      ctx.set('x-kept', '1');
      ctx.body = { same: true };
      log([ctx.fresh, ctx.stale]);
      if (ctx.fresh) ctx.status = 304;
    },
  },
  accepts: {
    questions: withField(['accept', 'text/html'], ['accept', 'application/json'], ['accept', 'image/*']),
    answer: (ctx) => {
      ctx.body = { accepted: ctx.accepts('html', 'json') };
    },
  },
};

const redirects: Table<KoaAnswer> = Object.fromEntries(
  ['/elsewhere', '../up', 'https://example.com/a?b=c', '/ünïcode', '/<script>', '//host/x', 'back'].flatMap(
    (url): [string, Table<KoaAnswer>[string]][] => [
      [
        `redirect to ${url}`,
        {
          questions: [...both, ...withField(['accept', 'text/html'], ['referer', '/from'])],
          answer: (ctx) => ctx.redirect(url),
        },
      ],
      [
        `redirect to ${url} with a status and a body`,
        (ctx) => {
          ctx.status = 308;
          ctx.redirect(url);
          ctx.body = 'moved';
        },
      ],
    ],
  ),
);

const errors: Table<KoaAnswer> = {
  'a throw before the head': () => {
    throw new Error('thrown');
  },
  'a rejection': async () => {
    await Promise.resolve();
    throw new Error('later');
  },
  'a throw with fields': () => {
    throw Object.assign(new Error('thrown'), { status: 422, headers: { 'x-why': 'because' }, expose: true });
  },
  'a throw of what is no error': () => {
    throw 'a string';
  },
  'a throw after a body': (ctx) => {
    ctx.body = { a: 1 };
    ctx.set('x-a', '1');
    throw new Error('thrown');
  },
  'a throw after flushHeaders': {
    questions: [{}],
    differs: ({ http2 }) => (http2 ? { complete: cutIsAnEnd } : {}),
    answer: (ctx) => {
      ctx.status = 200;
      ctx.flushHeaders();
      setTimeout(() => ctx.res.destroy(), 20);
      throw new Error('thrown');
    },
  },
  assert: (ctx) => ctx.assert(false, 401, 'who'),
  'ENOENT is 404': () => {
    throw Object.assign(new Error('no file'), { code: 'ENOENT' });
  },
  'nothing: 404': (_ctx, _log, next) => next(),
  'a circular object': (ctx) => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    ctx.body = circular;
  },
  'the source of a body fails, noted': (ctx, log) => {
    const source = failing('a');
    source.on('error', (error) => log(codeOf(error)));
    ctx.body = source;
  },
};

const raw: Table<KoaAnswer> = {
  'respond = false': (ctx, log) => {
    ctx.respond = false;
    ctx.res.statusCode = 203;
    ctx.res.setHeader('x-a', '1');
    ctx.res.end('raw', noting(log, 'end'));
  },
  'respond = false, later': (ctx) => {
    ctx.respond = false;
    setTimeout(() => ctx.res.end('later'), 10);
  },
  'ctx.res without respond': (ctx) => {
    ctx.res.statusCode = 203;
    ctx.res.end('raw');
  },
  'ctx.res.write, then a body': (ctx) => {
    ctx.res.statusCode = 200;
    ctx.res.write('raw ');
    ctx.body = 'body';
  },
  flushHeaders: (ctx, log) => {
    ctx.status = 200;
    ctx.flushHeaders();
    log(ctx.headerSent);
    ctx.body = 'after';
  },
  'flushHeaders, then a stream': (ctx) => {
    ctx.status = 200;
    ctx.type = 'text/plain';
    ctx.flushHeaders();
    ctx.body = Readable.from(['a', 'b']);
  },
  'a field after flushHeaders': (ctx, log) => {
    ctx.status = 200;
    ctx.flushHeaders();
    log(outcome(() => ctx.set('x-late', '1')));
    log(
      outcome(() => {
        ctx.status = 500;
      }),
    );
    ctx.body = 'x';
  },
};

export const koaAnswers: Readonly<Record<string, Table<KoaAnswer>>> = {
  bodies: ofBodies,
  'statuses in Koa': statuses,
  'what is set before the body': setting,
  'what Koa negotiates': negotiated,
  'redirects of Koa': redirects,
  'errors in Koa': errors,
  'past Koa': raw,
};
