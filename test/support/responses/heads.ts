import type { ServerResponse } from 'node:http';
import type { Stack } from '../stacks.ts';
import { both } from './common.ts';
import { afterHead, setting } from './fields.ts';
import type { Differs, NodeAnswer, Table } from './matrix.ts';
import { type Log, outcome, stateOf } from './watch.ts';

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
