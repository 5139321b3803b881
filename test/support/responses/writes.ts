import type { ServerResponse } from 'node:http';
import { runInNewContext } from 'node:vm';
import { pattern } from '../bytes.ts';
import type { NodeAnswer, Table } from './matrix.ts';
import { type Log, noting, outcome } from './watch.ts';

/** Arguments of `write` and `end`, with a callback where the form has one. */
type Arguments = (called: () => void) => readonly unknown[];

/** What may be written, and what Node refuses. */
const chunks: Record<string, readonly unknown[]> = {
  'a string': ['text'],
  'a string beyond ASCII': ['häppy €'],
  'an empty string': [''],
  latin1: ['häppy', 'latin1'],
  hex: ['68c3a4', 'hex'],
  base64: ['aGVsbG8=', 'base64'],
  base64url: ['-_8', 'base64url'],
  utf16le: ['hi €', 'utf16le'],
  'ucs2 in capitals': ['hi', 'UCS2'],
  ascii: ['hä', 'ascii'],
  binary: ['hä', 'binary'],
  utf8: ['hä', 'utf8'],
  'an empty string in hex': ['', 'hex'],
  'half a surrogate pair': ['a\ud800b'],
  'a Buffer': [Buffer.from([0, 255, 10, 13])],
  'a Buffer with an encoding': [Buffer.from('abc'), 'hex'],
  'a slice of a Buffer': [Buffer.from('abcdef').subarray(2, 4)],
  'an empty Buffer': [Buffer.alloc(0)],
  'a Uint8Array': [new Uint8Array([1, 2, 200])],
  'a view of an ArrayBuffer': [new Uint8Array(new Uint8Array([9, 8, 7, 6]).buffer, 1, 2)],
  'a shared view': [new Uint8Array(new SharedArrayBuffer(3))],
  'a Uint8Array of another realm': [runInNewContext('new Uint8Array([1, 2, 3])')],
  'a Uint16Array': [new Uint16Array([1, 2])],
  'a DataView': [new DataView(new ArrayBuffer(2))],
  'an ArrayBuffer': [new ArrayBuffer(2)],
  'a number': [7],
  zero: [0],
  true: [true],
  false: [false],
  'an object': [{ a: 1 }],
  'an array': [[1, 2]],
  'a String object': [Object('boxed')],
  null: [null],
  undefined: [undefined],
  nothing: [],
  'one record': [pattern(65_000)],
  'more than a record': [pattern(70_000)],
  'a string of 200 kB': ['ü'.repeat(100_000)],
};

const callbacks: Record<string, Arguments> = {
  'a callback alone': (called) => [called],
  'a string and a callback': (called) => ['a', called],
  'a string, an encoding, a callback': (called) => ['YQ==', 'base64', called],
  'bytes and a callback': (called) => [Buffer.from('a'), called],
  'bytes, undefined, a callback': (called) => [Buffer.from('a'), undefined, called],
  'an empty string and a callback': (called) => ['', called],
  'undefined and a callback': (called) => [undefined, called],
  'null and a callback': (called) => [null, called],
  'null, null, a callback': (called) => [null, null, called],
  'undefined, an encoding, a callback': (called) => [undefined, 'utf8', called],
  'what is refused, and a callback': (called) => [7, called],
  'a string, null, a callback': (called) => ['a', null, called],
  'a callback that is none': () => ['a', 'utf8', 7],
};

const forms: Record<string, Arguments> = {
  ...Object.fromEntries(Object.entries(chunks).map(([name, args]) => [name, () => args])),
  ...callbacks,
};

type Method = (this: ServerResponse, ...args: unknown[]) => unknown;

function call(res: ServerResponse, log: Log, name: 'write' | 'end', form: Arguments): void {
  const method = res[name] as Method;
  log(outcome(() => method.call(res, ...form(noting(log, `${name} called back`)))));
  log([res.headersSent, res.writableEnded]);
}

/** Each form after something was done with the response. */
function each(run: (form: Arguments) => NodeAnswer, questions = [{}, { method: 'HEAD' }]): Table<NodeAnswer> {
  return Object.fromEntries(
    Object.entries(forms).map(([name, form]) => [name, { questions, answer: run(form) }]),
  );
}

/** Ends what a refused call left open. */
function rest(res: ServerResponse): void {
  if (!res.writableEnded) res.end('.');
}

export const writes: Readonly<Record<string, Table<NodeAnswer>>> = {
  'end of': each((form) => (res, log) => {
    call(res, log, 'end', form);
    rest(res);
  }),
  'after a write, end of': each((form) => (res, log) => {
    res.write('first ');
    call(res, log, 'end', form);
    rest(res);
  }),
  'after the head, end of': each(
    (form) => (res, log) => {
      res.writeHead(202, { 'x-head': 'sent' });
      call(res, log, 'end', form);
      rest(res);
    },
    [{}],
  ),
  'write of': each((form) => (res, log) => {
    call(res, log, 'write', form);
    res.end(' last');
  }),
  'after a write, write of': each(
    (form) => (res, log) => {
      res.write('first ');
      call(res, log, 'write', form);
      res.end();
    },
    [{}],
  ),
  'where no body is allowed, write of': each(
    (form) => (res, log) => {
      res.statusCode = 204;
      call(res, log, 'write', form);
      res.end();
    },
    [{}],
  ),
  'after the end, write of': each(
    (form) => (res, log) => {
      res.end('ended');
      call(res, log, 'write', form);
    },
    [{}],
  ),
  'after the end, end of': each(
    (form) => (res, log) => {
      res.end('ended');
      call(res, log, 'end', form);
    },
    [{}],
  ),
  'after it is destroyed, write of': each(
    (form) => (res, log) => {
      res.destroy();
      call(res, log, 'write', form);
    },
    [{}],
  ),
};
