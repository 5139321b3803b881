// Express's parsers read a sealed request as they read a plain one, also in what they refuse.
import { gzipSync } from 'node:zlib';
import type { Application, ErrorRequestHandler } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { type Express, onExpress } from './support/cases.ts';
import { startTwins } from './support/twins.ts';

function routes(app: Application, express: Express): void {
  app.use(express.json({ limit: '20kb' }));
  app.use(express.urlencoded({ extended: true }));
  app.use(express.text());
  app.use(express.raw({ limit: '300kb' }));
  app.post('/body', (req, res) => {
    const { 'content-type': type, 'content-length': length } = req.headers;
    const body = Buffer.isBuffer(req.body) ? { raw: req.body.toString('hex') } : (req.body ?? null);
    res.json({ body, type, length, kind: req.is(['json', 'urlencoded', 'text', 'bin']) });
  });
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    res.status(error.status ?? 500).json({ type: error.type, message: error.message });
  };
  app.use(onError);
}

const json = { 'content-type': 'application/json' };

/** Name, then what is posted. */
const bodies: [string, () => RequestInit][] = [
  ['a JSON object', () => ({ body: '{"a":[1,"ü",null]}', headers: json })],
  [
    'JSON of another charset',
    () => ({
      body: Buffer.from('{"a":"ü"}', 'utf16le'),
      headers: { 'content-type': 'application/json; charset=utf-16' },
    }),
  ],
  [
    'JSON in gzip',
    () => ({ body: gzipSync('{"zipped":true}'), headers: { ...json, 'content-encoding': 'gzip' } }),
  ],
  ['a JSON body that is no JSON', () => ({ body: '{"a":', headers: json })],
  ['JSON beyond the limit', () => ({ body: JSON.stringify('x'.repeat(30_000)), headers: json })],
  ['an empty JSON body', () => ({ body: '', headers: json })],
  ['JSON of an unknown encoding', () => ({ body: '{}', headers: { ...json, 'content-encoding': 'zstd9' } })],
  ['a form', () => ({ body: new URLSearchParams({ 'user[name]': 'Ada & Grace', n: '1' }) })],
  ['an empty form', () => ({ body: new URLSearchParams() })],
  ['text', () => ({ body: 'plain ünïcode' })],
  ['a Blob with a type', () => ({ body: new Blob(['typed'], { type: 'text/plain' }) })],
  ['bytes', () => ({ body: pattern(70_000), headers: { 'content-type': 'application/octet-stream' } })],
  ['bytes of no type', () => ({ body: pattern(10) })],
  ['a type that no parser takes', () => ({ body: 'a,b', headers: { 'content-type': 'text/csv' } })],
  ['nothing', () => ({})],
];

onExpress('every parser gives the handler what it gives it in plain', async (express) => {
  const twins = await startTwins(express, routes);
  for (const [name, init] of bodies) {
    const { plain, sealed } = await twins.ask('/body', () => ({ method: 'POST', ...init() }));
    assert.equal(sealed, plain, name);
  }
});

onExpress('a body in several records is parsed as one', async (express) => {
  const twins = await startTwins(express, routes);
  const text = JSON.stringify({ list: Array.from({ length: 500 }, (_, i) => `entry ${i}`) });
  const stream = () =>
    new ReadableStream({
      start(controller) {
        for (let at = 0; at < text.length; at += 100)
          controller.enqueue(Buffer.from(text.slice(at, at + 100)));
        controller.close();
      },
    });
  const init = () => ({ method: 'POST', body: stream(), duplex: 'half' as const, headers: json });
  const { plain, sealed } = await twins.ask('/body', init);
  assert.is(JSON.parse(sealed.body).body.list.length, 500);
  assert.equal(sealed, plain);
});

onExpress('query, params, host and headers are those of the sealed request', async (express) => {
  const twins = await startTwins(express, (app) => {
    app.get('/items/:id', (req, res) => {
      const { params, query, path, originalUrl, protocol, secure, xhr, fresh, subdomains } = req;
      const accepts = [req.accepts(['html', 'json']), req.acceptsLanguages(['en', 'de'])];
      res.json({ params, query, path, originalUrl, protocol, secure, xhr, fresh, subdomains, accepts });
    });
    const router = express.Router();
    router.get('/deep/:name', (req, res) => {
      res.json([req.baseUrl, req.url, req.originalUrl, req.params, req.query]);
    });
    app.use('/mounted/:tenant', router);
  });
  const headers = {
    accept: 'application/json',
    'accept-language': 'de, en;q=0.5',
    'x-requested-with': 'XMLHttpRequest',
  };
  const paths = [
    '/items/7?a=1&b[c]=2&b[d]=3&list=x&list=y',
    '/items/%C3%BC%2F%20?q=%C3%BC+z&empty=',
    '/items/7',
    '/items/a;b=c?q=?&r=/',
    '/mounted/acme/deep/x%20y?z=1',
    '/missing?q=1',
  ];
  for (const path of paths) {
    const { plain, sealed } = await twins.ask(path, () => ({ headers }));
    assert.equal(sealed, plain, path);
  }
});

test.run();
