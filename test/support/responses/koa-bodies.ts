import { PassThrough, Readable } from 'node:stream';
import { pattern } from '../bytes.ts';
import type { Stack } from '../stacks.ts';
import { both, failing } from './common.ts';
import type { Differs, KoaAnswer, Question, Table } from './matrix.ts';

/** Makes a body, anew for each request. */
const bodies: Record<string, () => unknown> = {
  'an object': () => ({ a: [1, 'ü', null], undef: undefined }),
  'an array': () => [1, 2],
  'a string': () => 'text',
  html: () => '<p>häppy</p>',
  'an empty string': () => '',
  bytes: () => Buffer.from([0, 255, 1]),
  'empty bytes': () => Buffer.alloc(0),
  'a Uint8Array': () => new Uint8Array([1, 2, 3]),
  'a large string': () => 'ü'.repeat(40_000),
  'large bytes': () => pattern(200_000),
  'a stream': () => Readable.from(['a', 'b']),
  'an empty stream': () => Readable.from([]),
  'a stream of large bytes': () => Readable.from([pattern(100_000), pattern(5)]),
  'a PassThrough': () => new PassThrough().end('passed'),
  'a ReadableStream': () => new Blob(['web ', 'stream']).stream(),
  'a Blob': () => new Blob(['blob'], { type: 'text/csv' }),
  'a Response': () =>
    new Response('answer', { status: 203, headers: { 'x-r': '1', 'content-type': 'text/csv' } }),
  'a Response of JSON': () => Response.json({ a: 1 }),
  'a Response without a body': () => new Response(null, { status: 201, headers: { 'x-r': '1' } }),
  null: () => null,
  undefined: () => undefined,
  true: () => true,
  'a number': () => 12,
  'a stream that fails at once': () => failing(),
  'a stream that fails later': () => failing('a', 'b'),
  'a date': () => new Date(0),
};

/** Bodies whose length Koa counts only when it answers; those are `true`, numbers and what becomes JSON. */
const countedLate = new Set(
  ['an object', 'an array', 'a Uint8Array', 'a ReadableStream', 'a Response', 'a Response of JSON'].concat([
    'a Response without a body',
    'true',
    'a number',
    'a date',
  ]),
);
const endedEarly =
  'Node ends the stream of a HEAD over http2 at once: Koa believes that nothing can be written';

/** Of a HEAD whose body has such a length. */
export function ofHead(name: string): (stack: Stack, question: Question) => Differs {
  return ({ http2 }, { method }) =>
    http2 && method === 'HEAD' && countedLate.has(name) ? { headers: endedEarly, log: endedEarly } : {};
}

/** Each body alone, and with what is set around it. */
export const ofBodies: Table<KoaAnswer> = Object.fromEntries(
  Object.entries(bodies).flatMap(([name, body]): [string, Table<KoaAnswer>[string]][] => [
    [
      `a body that is ${name}`,
      {
        questions: both,
        differs: ofHead(name),
        answer: (ctx, log) => {
          ctx.body = body();
          log([ctx.status, ctx.type, ctx.length]);
        },
      },
    ],
    [
      `a status, then ${name}`,
      {
        questions: both,
        differs: ofHead(name),
        answer: (ctx) => {
          ctx.status = 202;
          ctx.set('x-a', '1');
          ctx.body = body();
        },
      },
    ],
    [
      `a type and a length, then ${name}`,
      (ctx, log) => {
        ctx.type = 'text/plain';
        ctx.body = body();
        log([ctx.length, ctx.response.is('text/*')]);
      },
    ],
  ]),
);
