import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Stack } from '../stacks.ts';
import type { Differs, NodeAnswer, Question, Table } from './matrix.ts';
import { type Log, outcome, stateOf } from './watch.ts';

const both: readonly Question[] = [{}, { method: 'HEAD' }];

/** Node 20 lets an array name a field once only where fields were set before; later ones do as Sealwire. */
const oldNode = Number.parseInt(process.versions.node, 10) < 22;

type Known = (stack: Stack) => Differs;

/** What of `writeHead` is another sealed, by form; Express sets a field before every handler. */
function known(name: string, { set = false, ended = false }): Known {
  return ({ http2, kind }) => {
    if (http2 && name === 'blanks around a value') return { headers: 'clients of http2 drop the field' };
    if (http2 && name === 'chunked' && ended) return { log: 'Node counts as ended what it refused to begin' };
    if (http2 || (!set && kind !== 'express')) return {};
    if (name === 'pairs') return { log: refusesPairs, headers: refusesPairs };
    const repeated = name === 'a flat array with a name twice' || name === 'a flat array over what was set';
    return repeated && oldNode ? { log: keepsLast, headers: keepsLast } : {};
  };
}

const refusesPairs = 'Node refuses them where fields were set before, but not over http2';
const keepsLast = 'Node 20 keeps the last value only, where fields were set before';

/** Arguments of `writeHead` behind the status. */
const forms: Record<string, readonly unknown[]> = {
  nothing: [],
  'a reason': ['Fine'],
  'an empty reason': [''],
  'a reason with a line break': ['a\nb'],
  'a reason beyond latin1': ['fine €'],
  'an object': [{ 'X-A': '1', 'x-b': ['2', '3'], 'x-n': 4 }],
  'an empty object': [{}],
  'a reason and an object': ['Fine', { 'x-a': '1' }],
  'undefined and an object': [undefined, { 'x-a': '1' }],
  'null and an object': [null, { 'x-a': '1' }],
  'undefined and undefined': [undefined, undefined],
  'a number': [7],
  'a flat array': [['X-A', '1', 'x-b', '2']],
  'a flat array with a name twice': [['x-a', '1', 'X-A', '2', 'set-cookie', 'a=1', 'set-cookie', 'b=2']],
  'an empty array': [[]],
  'a reason and a flat array': ['Fine', ['x-a', '1']],
  pairs: [
    [
      ['x-a', '1'],
      ['x-b', '2'],
    ],
  ],
  'a value that is a list': [{ 'set-cookie': ['a=1', 'b=2'], link: ['<a>', '<b>'] }],
  'a length': [{ 'content-length': 3 }],
  'a length as a string': [{ 'Content-Length': '3' }],
  'a type': [{ 'Content-Type': 'text/plain; charset=utf-8' }],
  'over what was set': [{ 'x-set': 'after' }],
  'a flat array over what was set': [['x-set', '1', 'X-Set', '2']],
  'a boolean value': [{ 'x-a': true }],
  'an object without prototype': [Object.assign(Object.create(null), { 'x-a': '1' })],
  'an empty value': [{ 'x-a': '' }],
  'a latin1 value': [{ 'x-a': 'hä' }],
  'blanks around a value': [{ 'x-a': ' 1\t' }],
  'an odd flat array': [['x-a']],
  'an undefined value': [{ 'x-a': undefined }],
  'a null value': [{ 'x-a': null }],
  'a value with a line break': [{ 'x-a': 'a\nb' }],
  'a value beyond latin1': [{ 'x-a': '€' }],
  'a name with a blank': [{ 'x a': '1' }],
  'an empty name': [{ '': '1' }],
  'a date': [{ date: 'Sat, 21 Nov 2026 10:00:00 GMT' }],
  chunked: [{ 'transfer-encoding': 'chunked' }],
  'a connection that closes': [{ connection: 'close' }],
  'vary and cookies': [{ vary: 'Accept', 'set-cookie': 'a=1' }],
};

type WriteHead = (this: ServerResponse, ...args: unknown[]) => unknown;

function head(res: ServerResponse, log: Log, ...args: unknown[]): void {
  log(outcome(() => (res.writeHead as WriteHead).call(res, ...args)));
  log(stateOf(res));
}

function rest(res: ServerResponse, log: Log, ...args: unknown[]): void {
  log(outcome(() => (res.end as WriteHead).call(res, ...args)));
  if (!res.headersSent) res.destroy();
}

function each(
  run: (args: readonly unknown[]) => NodeAnswer,
  situation: { set?: boolean; ended?: boolean } = {},
): Table<NodeAnswer> {
  return Object.fromEntries(
    Object.entries(forms)
      // Node waits for ever for bytes that were announced and do not come.
      .filter(([name]) => !(situation.ended && name.startsWith('a length')))
      .map(([name, args]) => [
        name,
        { questions: name === 'chunked' ? [{}] : both, answer: run(args), differs: known(name, situation) },
      ]),
  );
}

const statuses: readonly unknown[] = [
  200,
  201,
  202,
  203,
  204,
  205,
  206,
  207,
  226,
  299,
  300,
  301,
  302,
  303,
  304,
  305,
  307,
  308,
  400,
  401,
  402,
  403,
  404,
  405,
  406,
  407,
  408,
  409,
  410,
  411,
  412,
  413,
  414,
  415,
  416,
  417,
  418,
  421,
  422,
  423,
  425,
  426,
  428,
  429,
  431,
  451,
  499,
  500,
  501,
  502,
  503,
  504,
  505,
  511,
  599,
  '201',
  200.9,
  0,
  -1,
  99,
  1000,
  NaN,
  null,
  undefined,
  'abc',
];

/** Statuses that Node makes another number of. */
const notQuite = new Set<unknown>(['201', 200.9, 0, NaN, null, undefined, 'abc']);

/** Over http2 Node never closes the response to a HEAD whose head it refused: those are asked by GET only. */
const refused = new Set<unknown>([-1, 99, 1000]);

/** Every status, given to `writeHead` or set. */
const ofStatus: Table<NodeAnswer> = Object.fromEntries(
  statuses.flatMap((status): [string, Table<NodeAnswer>[string]][] => [
    [
      `writeHead of ${String(status)}`,
      {
        questions: refused.has(status) ? [{}] : both,
        differs: ({ http2 }) =>
          http2 && notQuite.has(status) ? { log: 'http2 keeps what it was given' } : {},
        answer(res, log) {
          head(res, log, status);
          rest(res, log, 'a body');
        },
      },
    ],
    [
      `statusCode ${String(status)}`,
      {
        questions: both,
        answer(res, log) {
          log(
            outcome(() => {
              res.statusCode = status as number;
            }),
          );
          rest(res, log, 'a body');
        },
      },
    ],
  ]),
);

/** Methods of the response that are not in every type of it, with any arguments. */
type Any = ServerResponse & Record<string, (...args: unknown[]) => unknown>;

const set = (run: (res: Any, log: Log, req: IncomingMessage) => unknown): NodeAnswer => {
  return (res, log, req) => {
    log(outcome(() => run(res as Any, log, req)));
    log(stateOf(res));
    rest(res, log, 'body');
  };
};

const setting: Table<NodeAnswer> = {
  'setHeaders of a Map': set((res) =>
    res.setHeaders?.(
      new Map([
        ['x-a', '1'],
        ['x-b', '2'],
      ]),
    ),
  ),
  'setHeaders of Headers': set((res) => {
    const headers = new Headers({ 'x-a': '1' });
    headers.append('set-cookie', 'a=1');
    headers.append('set-cookie', 'b=2');
    res.setHeaders?.(headers);
  }),
  'setHeaders of an object': set((res) => res.setHeaders?.({ 'x-a': '1' } as unknown as Headers)),
  appendHeader: set((res) => {
    res.appendHeader('x-a', '1');
    res.appendHeader('X-A', ['2', '3']);
    res.appendHeader('set-cookie', 'a=1');
  }),
  'appendHeader to a list': set((res) => {
    res.setHeader('x-a', ['1']);
    res.appendHeader('x-a', '2');
  }),
  'a list of one': set((res) => res.setHeader('x-a', ['1'])),
  'an empty list': set((res) => res.setHeader('x-a', [])),
  'cookies in a list': set((res) => res.setHeader('set-cookie', ['a=1', 'b=2; Path=/; HttpOnly'])),
  'a number': set((res) => res.setHeader('x-a', 12.5)),
  capitals: set((res) => res.setHeader('X-CaPs', 'Kept')),
  'set twice': set((res) => {
    res.setHeader('x-a', '1');
    res.setHeader('X-A', '2');
  }),
  'set and removed': set((res) => {
    res.setHeader('x-a', '1');
    res.removeHeader('X-A');
  }),
  'removed date': set((res) => res.removeHeader('date')),
  'sendDate false': set((res) => {
    res.sendDate = false;
  }),
  'a date of its own': set((res) => res.setHeader('Date', 'Sat, 21 Nov 2026 10:00:00 GMT')),
  'removed content-type': set((res) => {
    res.setHeader('content-type', 'text/plain');
    res.removeHeader('content-type');
  }),
  'removed content-length': set((res) => res.removeHeader('content-length')),
  'removed transfer-encoding': set((res) => res.removeHeader('transfer-encoding')),
  'removed connection': set((res) => res.removeHeader('connection')),
  'a right length': set((res) => res.setHeader('content-length', 4)),
  chunked: set((res) => res.setHeader('transfer-encoding', 'chunked')),
  'connection close': set((res) => res.setHeader('connection', 'close')),
  'connection keep-alive': set((res) => res.setHeader('connection', 'keep-alive')),
  'keep-alive of its own': set((res) => res.setHeader('keep-alive', 'timeout=9')),
  'shouldKeepAlive false': set((res) => {
    res.shouldKeepAlive = false;
  }),
  'cache-control': set((res) => res.setHeader('cache-control', 'public, max-age=60')),
  vary: set((res) => res.setHeader('vary', 'Accept, Origin')),
  'vary in a list': set((res) => res.setHeader('vary', ['Accept', 'Origin'])),
  'vary of everything': set((res) => res.setHeader('vary', '*')),
  'etag, expires, age': set((res) => {
    res.setHeader('etag', 'W/"1"');
    res.setHeader('expires', '0');
    res.setHeader('age', '5');
  }),
  'content-encoding': set((res) => res.setHeader('content-encoding', 'identity')),
  'security fields': set((res) => {
    res.setHeader('strict-transport-security', 'max-age=1');
    res.setHeader('content-security-policy', "default-src 'self'");
    res.setHeader('x-frame-options', 'DENY');
    res.setHeader('x-content-type-options', 'nosniff');
    res.setHeader('referrer-policy', 'no-referrer');
    res.setHeader('cross-origin-opener-policy', 'same-origin');
    res.setHeader('permissions-policy', 'camera=()');
  }),
  'CORS fields': set((res) => {
    res.setHeader('access-control-allow-origin', '*');
    res.setHeader('access-control-expose-headers', 'x-a');
    res.setHeader('access-control-allow-credentials', 'true');
    res.setHeader('timing-allow-origin', '*');
  }),
  'fields of servers and proxies': set((res) => {
    res.setHeader('server', 'mine');
    res.setHeader('via', '1.1 mine');
    res.setHeader('alt-svc', 'clear');
    res.setHeader('server-timing', 'db;dur=5');
    res.setHeader('retry-after', '5');
    res.setHeader('www-authenticate', 'Basic');
    res.setHeader('location', '/elsewhere');
    res.setHeader('link', '</a.css>; rel=preload');
  }),
  'a long value': set((res) => res.setHeader('x-long', 'v'.repeat(10_000))),
  '100 fields': set((res) => {
    for (let i = 0; i < 100; i++) res.setHeader(`x-${i}`, String(i));
  }),
  'a name that JavaScript knows': set((res) => {
    res.setHeader('constructor', '1');
    res.setHeader('toString', '2');
    res.setHeader('__proto__', '3');
  }),
  'an undefined value': set((res) => res.setHeader('x-a', undefined as unknown as string)),
  'a null value': set((res) => res.setHeader('x-a', null as unknown as string)),
  'a name that is none': set((res) => res.setHeader('x a', '1')),
  'a name that is no string': set((res) => res.setHeader(7 as unknown as string, '1')),
  'a value with a line break': set((res) => res.setHeader('x-a', 'a\r\nb: c')),
  'getHeader of what is none': set((res) => res.getHeader('x-a')),
  'getHeader of no string': set((res) => res.getHeader(7 as unknown as string)),
  'hasHeader in capitals': set((res, log) => {
    res.setHeader('x-a', '1');
    log([res.hasHeader('X-A'), res.getHeader('X-A'), res.getRawHeaderNames?.()]);
  }),
  'a reason': set((res) => {
    res.statusMessage = 'Splendid';
  }),
  'a reason with a line break': set((res) => {
    res.statusMessage = 'a\nb';
  }),
};

/** What may be tried when the head is sent. */
const late: Record<string, (res: Any) => unknown> = {
  setHeader: (res) => res.setHeader('x-late', '1'),
  'setHeader of the same': (res) => res.setHeader('x-set', '1'),
  setHeaders: (res) => res.setHeaders?.(new Map([['x-late', '1']])),
  appendHeader: (res) => res.appendHeader('x-late', '1'),
  removeHeader: (res) => res.removeHeader('x-set'),
  'removeHeader of what is none': (res) => res.removeHeader('x-none'),
  writeHead: (res) => res.writeHead(201),
  'writeHead with fields': (res) => res.writeHead(201, { 'x-late': '1' }),
  flushHeaders: (res) => res.flushHeaders(),
  statusCode: (res) => {
    res.statusCode = 404;
  },
  statusMessage: (res) => {
    res.statusMessage = 'Late';
  },
  sendDate: (res) => {
    res.sendDate = false;
  },
  writeContinue: (res) => res.writeContinue(),
  getHeader: (res) => [res.getHeader('X-Set'), res.getHeader('content-length'), res.getHeader('vary')].join(),
  hasHeader: (res) => [res.hasHeader('x-set'), res.hasHeader('cache-control'), res.hasHeader('date')].join(),
};

function afterHead(begin: (res: ServerResponse) => unknown): Table<NodeAnswer> {
  return Object.fromEntries(
    Object.entries(late).map(([name, tried]): [string, NodeAnswer] => [
      name,
      (res, log) => {
        res.setHeader('x-set', 'early');
        begin(res);
        log(outcome(() => tried(res as Any)));
        log(stateOf(res));
        if (!res.writableEnded) res.end('body');
      },
    ]),
  );
}

export const heads: Readonly<Record<string, Table<NodeAnswer>>> = {
  'writeHead, then a body:': each((args) => (res, log) => {
    head(res, log, 200, ...args);
    rest(res, log, 'abc');
  }),
  'fields are set, then writeHead:': each(
    (args) => (res, log) => {
      res.setHeader('x-set', 'before');
      res.setHeader('x-kept', ['1', '2']);
      head(res, log, 201, ...args);
      rest(res, log, 'abc');
    },
    { set: true },
  ),
  'writeHead, then writes:': each((args) => (res, log) => {
    head(res, log, 200, ...args);
    log(outcome(() => res.write('a')));
    log(outcome(() => res.write('b')));
    rest(res, log, 'c');
  }),
  'writeHead, then nothing:': each(
    (args) => (res, log) => {
      head(res, log, 404, ...args);
      rest(res, log);
    },
    { ended: true },
  ),
  statuses: ofStatus,
  'fields are set one by one:': setting,
  'after writeHead:': afterHead((res) => res.writeHead(200)),
  'after a write:': afterHead((res) => res.write('first ')),
  'after flushHeaders:': afterHead((res) => res.flushHeaders()),
  'after the end:': afterHead((res) => res.end('all')),
};
