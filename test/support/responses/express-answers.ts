import type { Application, Response } from 'express';
import { both, withField } from './common.ts';
import type { ExpressAnswer, Table } from './matrix.ts';
import { type Log, noting, outcome, stateOf } from './watch.ts';

const mangled = 'Node writes U+FFFD for what is not ASCII in this field; sealed it stays what it is';

type Any = Response & Record<string, (...args: unknown[]) => unknown>;

const bodies: Record<string, unknown> = {
  'a string': 'text',
  html: '<p>häppy</p>',
  'an empty string': '',
  bytes: Buffer.from([0, 255, 1]),
  'a Uint8Array': new Uint8Array([1, 2]),
  'empty bytes': Buffer.alloc(0),
  'an object': { a: [1, 'ü', null, { b: '<&>' }], undef: undefined },
  'an array': [1, 2],
  'an object with toJSON': { toJSON: () => ({ shown: true }) },
  'a date': new Date(0),
  null: null,
  undefined: undefined,
  true: true,
  'a number': 12.5,
  'a large string': 'ü'.repeat(40_000),
  'a large object': Array.from({ length: 5000 }, (_, i) => ({ i })),
};

/** Every kind of body in every method that takes one, by GET and by HEAD. */
export const sent: Table<ExpressAnswer> = Object.fromEntries(
  ['send', 'json', 'jsonp'].flatMap((method) =>
    Object.entries(bodies).map(([name, body]): [string, Table<ExpressAnswer>[string]] => [
      `${method} of ${name}`,
      {
        questions: method === 'jsonp' ? [{}, { query: '?callback=f' }] : both,
        answer: (_req, res, log) => {
          log(outcome(() => (res as Any)[method]?.(body)));
          log(stateOf(res));
          if (!res.headersSent) res.end();
        },
      },
    ]),
  ),
);

const statuses: Table<ExpressAnswer> = Object.fromEntries(
  [
    200, 201, 202, 204, 205, 206, 301, 304, 400, 401, 404, 407, 413, 418, 421, 425, 431, 451, 500, 503, 599,
  ].flatMap((status): [string, Table<ExpressAnswer>[string]][] => [
    [`sendStatus of ${status}`, { questions: both, answer: (_req, res) => void res.sendStatus(status) }],
    [`status ${status} with send`, (_req, res) => void res.status(status).send('a body')],
    [`status ${status} with json`, (_req, res) => void res.status(status).json({ a: 1 })],
  ]),
);

/** What a handler sets before it sends. */
const set = (run: (res: Response, log: Log) => unknown): ExpressAnswer => {
  return (_req, res, log) => {
    log(outcome(() => run(res, log)));
    log(stateOf(res));
    if (!res.headersSent) res.send('body');
  };
};

const setting: Table<ExpressAnswer> = {
  'set of an object': set((res) => res.set({ 'X-A': '1', 'x-b': ['2', '3'] })),
  'set of a list': set((res) => res.set('link', ['<a>', '<b>'])),
  'header and get': set((res, log) => log(res.header('x-a', '1').get('X-A'))),
  append: set((res) => res.append('x-a', '1').append('x-a', ['2', '3'])),
  'append of cookies': set((res) => res.append('set-cookie', 'a=1').append('set-cookie', 'b=2')),
  vary: set((res) => res.vary('Accept').vary('Origin').vary('Accept')),
  'vary of everything': set((res) => res.vary('*').vary('Origin')),
  links: set((res) => res.links({ next: '/n?page=2', last: '/l' })),
  location: set((res) => res.location('/ä b?c=d')),
  'location of another': set((res) => res.location('https://example.com/a')),
  cookie: set((res) =>
    res.cookie('a', 'ü 1').cookie('b', { c: 1 }).cookie('d', 'e', { maxAge: 0, path: '/x' }),
  ),
  'cookie with everything': set((res) =>
    res.cookie('a', '1', {
      httpOnly: true,
      secure: true,
      sameSite: 'strict',
      domain: 'example.com',
      priority: 'high',
    }),
  ),
  clearCookie: set((res) => res.clearCookie('a').clearCookie('b', { path: '/x' })),
  attachment: set((res) => res.attachment()),
  'attachment with a name': {
    questions: [{}],
    // Express 5 writes ASCII only.
    differs: ({ name }) => (name === 'Express 4' ? { headers: mangled } : {}),
    answer: set((res) => res.attachment('renämed "file".html')),
  },
  'attachment with a name beyond latin1': set((res) => res.attachment('€.html')),
  'type by name': set((res) => res.type('csv')),
  'type in full': set((res) => res.type('application/vnd.api+json')),
  'type of bytes': set((res) => res.type('png').send(Buffer.from('x'))),
  contentType: set((res) => res.contentType('text/plain; charset=latin1')),
  'a type without charset': set((res) => res.set('content-type', 'text/html')),
  'an ETag of its own': set((res) => res.set('etag', '"mine"')),
  'a Content-Length of its own': set((res) => res.set('content-length', '4')),
  'a reason': set((res) => {
    res.statusMessage = 'Odd';
    res.status(200);
  }),
  locals: set((res, log) => log(Object.keys(res.locals))),
  'status that is none': set((res) => res.status('abc' as unknown as number)),
  'set after send': (_req, res, log) => {
    res.send('a');
    log(outcome(() => res.set('x-late', '1')));
    log(outcome(() => res.send('b')));
    log(outcome(() => res.json({})));
    log(outcome(() => res.redirect('/x')));
    log(outcome(() => res.cookie('a', '1')));
  },
};

const redirects: Table<ExpressAnswer> = Object.fromEntries(
  [
    ['/elsewhere'],
    [301, '/elsewhere'],
    [303, '../up'],
    [307, 'https://example.com/a?b=c'],
    [308, '/ünïcode'],
    ['//host/path'],
    ['/<script>'],
    ['back'],
    [304, '/cached'],
    [200, '/odd'],
  ].map((args): [string, Table<ExpressAnswer>[string]] => [
    `redirect of ${args.join(' ')}`,
    {
      questions: [
        ...both,
        ...withField(['accept', 'text/html'], ['accept', 'image/png'], ['referer', '/from']),
      ],
      answer: (_req, res, log) => {
        log(outcome(() => (res.redirect as (...all: unknown[]) => void)(...args)));
        log(stateOf(res));
        if (!res.headersSent) res.end();
      },
    },
  ]),
);

const negotiated: Table<ExpressAnswer> = {
  format: {
    questions: [
      ...withField(
        ['accept', 'application/json'],
        ['accept', 'text/html;q=0.5, text/plain'],
        ['accept', 'image/*'],
      ),
      {},
    ],
    answer: (_req, res, log, next) => {
      try {
        res.format({ text: () => res.send('text'), html: () => res.send('<p>'), json: () => res.json(1) });
      } catch (error) {
        log(String(error));
        next(error);
      }
    },
  },
  'format with a default': {
    questions: [...withField(['accept', 'image/*']), {}],
    answer: (_req, res) => void res.format({ html: () => res.send('h'), default: () => res.send('other') }),
  },
  'a weak ETag': {
    questions: [
      {},
      ...withField(
        ['if-none-match', '*'],
        ['if-none-match', '"other"'],
        ['if-none-match', 'W/"4-Uz7RSqBN7zzDdPz8p8gNzKUH4Fs"'],
      ),
    ],
    answer: (_req, res) => void res.send('same'),
  },
  'an ETag and a status': {
    questions: withField(['if-none-match', '"mine"']),
    answer: (_req, res) => void res.set('etag', '"mine"').status(201).send('created'),
  },
  'an ETag that matches': {
    questions: [
      ...withField(['if-none-match', '"mine"'], ['if-none-match', 'W/"mine"']),
      { method: 'HEAD', fields: { 'if-none-match': '"mine"' } },
      { method: 'POST', body: 'x', fields: { 'if-none-match': '"mine"' } },
      { fields: { 'if-none-match': '"mine"', 'cache-control': 'no-cache' } },
    ],
    answer: (req, res, log) => {
      res.set({ etag: '"mine"', 'x-kept': '1', 'content-language': 'de' });
      log([req.fresh, req.stale]);
      res.json({ same: true });
      log(stateOf(res));
    },
  },
  'Last-Modified': {
    questions: withField(
      ['if-modified-since', 'Sat, 21 Nov 2026 10:00:00 GMT'],
      ['if-modified-since', 'Fri, 20 Nov 2026 10:00:00 GMT'],
      ['if-modified-since', 'nonsense'],
    ),
    answer: (_req, res) => void res.set('last-modified', 'Sat, 21 Nov 2026 10:00:00 GMT').send('dated'),
  },
};

const errors: Table<ExpressAnswer> = {
  'a throw before the head': () => {
    throw new Error('thrown');
  },
  'a throw with a status': () => {
    throw Object.assign(new Error('thrown'), { status: 422, headers: { 'x-why': 'because' }, expose: true });
  },
  'a throw of what is no error': () => {
    throw 'a string';
  },
  'a throw after fields were set': (_req, res) => {
    res.set({ 'x-a': '1', 'content-length': '3', 'cache-control': 'public' });
    throw new Error('thrown');
  },
  'a throw after the head': {
    questions: [{}],
    answer: (_req, res) => {
      res.write('half');
      throw new Error('thrown');
    },
  },
  'a rejection with next': (_req, _res, _log, next) => void Promise.reject(new Error('late')).catch(next),
  'next of nothing: 404': (_req, _res, _log, next) => next(),
  'next of a 404 error': (_req, _res, _log, next) =>
    next(Object.assign(new Error('gone'), { statusCode: 404 })),
  'a circular object': (_req, res, log, next) => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    try {
      res.json(circular);
    } catch (error) {
      log('circular');
      next(error);
    }
  },
  'render without an engine': (_req, res, log) =>
    res.render('missing', (error: Error) => {
      log(error.message.slice(0, 20));
      res.status(500).send('no view');
    }),
  'render that fails in next': (_req, res) => void res.render('missing'),
  // Express ends the connection for it: the last.
  'next with an error after the end': (_req, res, _log, next) => {
    res.send('whole');
    next(new Error('late'));
  },
};

/** Settings of the application that change how it answers. */
export function settings(app: Application): void {
  app.set('json spaces', 2).set('json escape', true).set('etag', 'strong');
  app.set('json replacer', (key: string, value: unknown) => (key === 'b' ? 'replaced' : value));
  app.disable('x-powered-by');
}

export const expressAnswers: Readonly<Record<string, Table<ExpressAnswer>>> = {
  'send, json, jsonp': sent,
  'statuses in Express': statuses,
  'what is set before send': setting,
  redirects,
  'what is negotiated': negotiated,
  errors,
  'send with a callback': {
    'end with a callback': (_req, res, log) => void res.end('a', noting(log, 'end')),
  },
};
