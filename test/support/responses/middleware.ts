import { Readable } from 'node:stream';
import koaCors from '@koa/cors';
import compression from 'compression';
import cors from 'cors';
import type { Application, RequestHandler } from 'express';
import session from 'express-session';
import helmet from 'helmet';
import koaCompress from 'koa-compress';
import koaSession from 'koa-session';
import { pattern } from '../bytes.ts';
import type { Koa } from '../stacks.ts';
import { ofHead } from './koa-bodies.ts';
import type { Asked, Differs, ExpressAnswer, KoaAnswer, Question, Table, Tables } from './matrix.ts';
import { type Log, noting } from './watch.ts';

const fromPage = { origin: 'https://page.example' };
const gzip = { 'accept-encoding': 'gzip' };
const text = 'compressible '.repeat(500);

/** What handlers do behind middleware that looks at answers. */
const answers: Readonly<Record<string, Asked<ExpressAnswer>['answer']>> = {
  json: (_req, res) => void res.json({ a: text }),
  send: (_req, res) => void res.send(text),
  'a short body': (_req, res) => void res.send('short'),
  'bytes that do not compress': (_req, res) => void res.type('png').send(pattern(5000)),
  writes: (_req, res, log) => {
    res.type('text');
    for (let i = 0; i < 5; i++) res.write(text, noting(log as Log, `write ${i}`));
    res.end('end');
  },
  'a stream': (_req, res) => void Readable.from([text, text]).pipe(res.type('text')),
  writeHead: (_req, res) => void res.writeHead(200, { 'content-type': 'text/plain', 'x-a': '1' }).end(text),
  'a Content-Length': (_req, res) =>
    void res.type('text').set('content-length', String(text.length)).end(text),
  '204': (_req, res) => void res.sendStatus(204),
  'a redirect': (_req, res) => void res.redirect('/elsewhere'),
  'an error': (_req, _res, _log, next) => next(Object.assign(new Error('bad'), { status: 400 })),
  'no-transform': (_req, res) => void res.set('cache-control', 'no-transform').send(text),
  'an ETag': (_req, res) => void res.set('etag', '"mine"').send(text),
  flush: (_req, res) => {
    res.type('text').write(text);
    (res as unknown as { flush?(): void }).flush?.();
    res.end('flushed');
  },
};

function asked(
  questions: readonly Question[],
  differs: Asked<ExpressAnswer>['differs'] = {},
): Table<ExpressAnswer> {
  return Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [name, { questions, answer, differs }]),
  );
}

const simple: readonly Question[] = [{}, { method: 'HEAD' }];
const crossOrigin: readonly Question[] = [
  ...simple,
  { fields: fromPage },
  { method: 'HEAD', fields: fromPage },
];
const compressed: readonly Question[] = [
  ...simple,
  { fields: gzip },
  { method: 'HEAD', fields: gzip },
  { fields: { 'accept-encoding': 'br;q=1, gzip;q=0.5' } },
  { fields: { 'accept-encoding': 'identity' } },
];

const sessions = () =>
  session({
    secret: 'for tests',
    resave: false,
    saveUninitialized: true,
    genid: () => 'the-same-session',
    cookie: { httpOnly: true },
  });

/** Middleware of Express by name, and the questions that make it do something. */
const ofExpress: Record<string, { make: () => RequestHandler; questions: readonly Question[] }> = {
  cors: { make: () => cors(), questions: crossOrigin },
  'cors with everything': {
    make: () =>
      cors({
        origin: [fromPage.origin],
        credentials: true,
        exposedHeaders: ['x-a'],
        maxAge: 5,
      }) as RequestHandler,
    questions: crossOrigin,
  },
  helmet: { make: () => helmet() as RequestHandler, questions: simple },
  'express-session': {
    make: sessions,
    questions: [...simple, { fields: { cookie: 'connect.sid=s%3Aunknown.x' } }],
  },
};

/** A field that is set when the head is sent, by middleware that is outside: the client gets it. */
const unseen: Differs = { log: 'behind Sealwire, getHeaders does not tell it' };

/** What compresses has to be behind Sealwire; before it, it finds ciphertext. */
const why = 'it finds ciphertext, and does not say that the answer varies';
const blind = (_stack: unknown, { fields }: Question): Differs => {
  return { headers: why, log: why, ...(fields === gzip && { body: why }) };
};

const mounted = (
  name: string,
  questions: readonly Question[],
  make: () => RequestHandler,
): [string, Tables][] => [
  [
    `${name} before`,
    {
      express: asked(questions, name === 'express-session' ? unseen : {}),
      around: { before: { express: (app) => app.use(make()) } },
    },
  ],
  [
    `${name} after`,
    { express: asked(questions), around: { express: (app: Application) => void app.use(make()) } },
  ],
];

function pick<T>(table: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, table[name] as T]));
}

const koaBodies: Table<KoaAnswer> = {
  'an object': {
    questions: [...crossOrigin, ...compressed.slice(2)],
    differs: ofHead('an object'),
    answer: (ctx) => {
      ctx.body = { a: text };
    },
  },
  'a string': {
    questions: compressed,
    answer: (ctx) => {
      ctx.body = text;
    },
  },
  'a stream': {
    questions: compressed,
    answer: (ctx) => {
      ctx.type = 'text/plain';
      ctx.body = Readable.from([text, text]);
    },
  },
  // Over http2 Koa itself leaves a HEAD without an answer if there is an error.
  'an error': { questions: [{}, { fields: fromPage }], answer: (ctx) => ctx.throw(400, 'bad') },
  'a status': {
    questions: crossOrigin,
    answer: (ctx) => {
      ctx.status = 204;
    },
  },
  'a session': {
    questions: simple,
    answer: (ctx) => {
      if (ctx.session) ctx.session['views'] = 1;
      ctx.body = 'seen';
    },
  },
};

const ofKoa: Record<string, (app: Koa) => unknown> = {
  '@koa/cors': (app) => app.use(koaCors({ credentials: true, exposeHeaders: 'x-a' })),
  'koa-session': (app) => {
    app.keys = ['for tests'];
    app.use(koaSession({ maxAge: 'session' }, app as never));
  },
};

export const middleware: Readonly<Record<string, Tables>> = Object.fromEntries([
  ...Object.entries(ofExpress).flatMap(([name, { make, questions }]) => mounted(name, questions, make)),
  // Behind Sealwire it compresses what is then sealed; before, it finds ciphertext and leaves it alone.
  mounted('compression', compressed, () => compression({ threshold: 100 }) as RequestHandler)[1],
  [
    'compression before',
    {
      express: pick(asked([...simple, { fields: gzip }], blind), [
        'json',
        'send',
        'writes',
        'a stream',
        'flush',
      ]),
      around: { before: { express: (app) => app.use(compression({ threshold: 100 })) } },
    },
  ],
  ...Object.entries(ofKoa).flatMap(([name, mount]): [string, Tables][] => [
    [`${name} before`, { koa: koaBodies, around: { before: { koa: mount } } }],
    [`${name} after`, { koa: koaBodies, around: { koa: mount } }],
  ]),
  [
    'koa-compress after',
    { koa: koaBodies, around: { koa: (app: Koa) => void app.use(koaCompress({ threshold: 100 })) } },
  ],
] as [string, Tables][]);
