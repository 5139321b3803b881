import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Response } from 'express';
import { pattern } from '../bytes.ts';
import type { Express } from '../cases.ts';
import type { ExpressAnswer, Question, Table } from './matrix.ts';
import { codeOf } from './transport.ts';

/** Files of many kinds, with one time of change for all. */
const root = mkdtempSync(join(tmpdir(), 'sealwire-'));
process.on('exit', () => rmSync(root, { recursive: true }));
mkdirSync(join(root, 'folder'));
for (const [name, bytes] of [
  ['page.html', '<h1>page</h1>'],
  ['large.bin', pattern(300_000)],
  ['empty.txt', ''],
  ['.hidden', 'hidden'],
  ['data.json', '{"a":1}'],
  ['ünïcode ä.txt', 'ü'],
  ['noextension', 'plain'],
  ['folder/index.html', '<p>index</p>'],
] as const) {
  writeFileSync(join(root, name), bytes);
  utimesSync(join(root, name), 1_750_000_000, 1_750_000_000);
}

const changed = new Date(1_750_000_000_000).toUTCString();
/** Of `large.bin`, as `send` makes it. */
const etag = `W/"${(300_000).toString(16)}-${(1_750_000_000_000).toString(16)}"`;

const questions: readonly Question[] = [
  {},
  { method: 'HEAD' },
  ...[
    'bytes=0-9',
    'bytes=100000-250000',
    'bytes=-5',
    'bytes=299999-',
    'bytes=0-0,-1',
    'bytes=400000-',
    'lines=1-2',
    'bytes=5-2',
  ].flatMap((range): Question[] => [{ fields: { range } }, { method: 'HEAD', fields: { range } }]),
  ...[
    { 'if-none-match': etag },
    { 'if-none-match': '"other"' },
    { 'if-modified-since': changed },
    { 'if-modified-since': new Date(0).toUTCString() },
    { 'if-match': etag },
    { 'if-match': '"other"' },
    { 'if-unmodified-since': new Date(0).toUTCString() },
    { range: 'bytes=0-1', 'if-range': etag },
    { range: 'bytes=0-1', 'if-range': changed },
    { range: 'bytes=0-1', 'if-range': '"other"' },
  ].map((fields) => ({ fields }) as Question),
];

type SendOptions = Parameters<Response['sendFile']>[1];

const options: Record<string, SendOptions> = {
  'no options': {},
  maxAge: { maxAge: '1h', immutable: true },
  'etag false': { etag: false },
  'lastModified false': { lastModified: false },
  'cacheControl false': { cacheControl: false },
  'acceptRanges false': { acceptRanges: false },
  headers: { headers: { 'x-sent': 'file', 'content-type': 'text/odd' } },
};

export const sendFile: Table<ExpressAnswer> = {
  ...Object.fromEntries(
    Object.entries(options).map(([name, given]): [string, Table<ExpressAnswer>[string]] => [
      `sendFile with ${name}`,
      { questions, answer: (_req, res) => void res.sendFile('large.bin', { ...given, root }) },
    ]),
  ),
  ...Object.fromEntries(
    [
      'page.html',
      'empty.txt',
      'data.json',
      'ünïcode ä.txt',
      'noextension',
      'missing',
      '.hidden',
      'folder',
      '../escape',
    ].map((name): [string, Table<ExpressAnswer>[string]] => [
      `sendFile of ${name}`,
      {
        questions: [{}, { method: 'HEAD' }],
        answer: (_req, res, log) =>
          res.sendFile(name, { root }, (error) => {
            log(['sent', error === undefined ? error : codeOf(error)]);
            if (error !== undefined && !res.headersSent) res.status(410).send('none');
          }),
      },
    ]),
  ),
  'sendFile of a hidden file that is allowed': (_req, res) =>
    void res.sendFile('.hidden', { root, dotfiles: 'allow' }),
  'sendFile of an absolute path': (_req, res) => void res.sendFile(join(root, 'page.html')),
  'sendFile without a callback of what is not there': (_req, res) => void res.sendFile('missing', { root }),
  'sendFile with a status': (_req, res) => void res.status(203).sendFile('page.html', { root }),
  download: { questions, answer: (_req, res) => void res.download(join(root, 'large.bin')) },
  'download with a name': (_req, res, log) =>
    void res.download(join(root, 'page.html'), 'renamed.html', (error) => log(error ?? 'downloaded')),
  'download with options': (_req, res) =>
    void res.download('page.html', '€.html', { root, headers: { 'x-down': '1' } } as never),
  'download of what is not there': (_req, res, log) =>
    void res.download(join(root, 'missing'), (error) => {
      log(codeOf(error));
      res.sendStatus(404);
    }),
};

/** express.static by the paths that it is asked for. */
export function statics(express: Express): Table<ExpressAnswer> {
  const serve = express.static(root, { setHeaders: (res) => void res.setHeader('x-static', '1') });
  const fallsNot = express.static(root, { fallthrough: false, index: false, redirect: false });
  const ask = (path: string, serveIt = serve): ExpressAnswer => {
    return (req, res, _log, next) => {
      req.url = path;
      serveIt(req, res, next);
    };
  };
  return {
    ...Object.fromEntries(
      [
        '/page.html',
        '/',
        '/folder',
        '/folder/',
        '/missing',
        '/.hidden',
        '/%2e%2e/escape',
        '/%zz',
        '/large.bin?v=1',
      ].map((path): [string, Table<ExpressAnswer>[string]] => [
        `static of ${path}`,
        { questions: [{}, { method: 'HEAD' }, { method: 'POST', body: 'x' }], answer: ask(path) },
      ]),
    ),
    'static of ranges and conditions': { questions, answer: ask('/large.bin') },
    'static that does not fall through': { questions: [{}], answer: ask('/missing', fallsNot) },
    'static without redirect': { questions: [{}], answer: ask('/folder', fallsNot) },
  };
}
