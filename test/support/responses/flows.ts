import type { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { PassThrough, pipeline, Readable, Writable } from 'node:stream';
import { pipeline as piped } from 'node:stream/promises';
import { pattern } from '../bytes.ts';
import type { Stack } from '../stacks.ts';
import type { Differs, NodeAnswer, Table } from './matrix.ts';
import { codeOf } from './transport.ts';
import { noting, outcome, stateOf } from './watch.ts';

const ofCompression = createRequire(createRequire(import.meta.url).resolve('compression'));
const onHeaders = ofCompression('on-headers') as (res: ServerResponse, listener: () => void) => void;
const ofExpress = createRequire(createRequire(import.meta.url).resolve('express'));
const onFinished = ofExpress('on-finished') as {
  (res: ServerResponse, listener: (error: Error | null) => void): void;
  isFinished(res: ServerResponse): boolean;
};

const broken = () => new Error('on purpose');

/** A stream of chunks that then fails. */
function failing(...chunks: string[]): Readable {
  let at = 0;
  return new Readable({
    read() {
      if (at < chunks.length) this.push(chunks[at++]);
      else this.destroy(broken());
    },
  });
}

const http2 = (reason: string, ...parts: (keyof Differs)[]) => {
  return (stack: Stack): Differs =>
    stack.http2 ? Object.fromEntries(parts.map((part) => [part, reason])) : {};
};

export const cutIsAnEnd =
  'a stream that is destroyed without an error reads as complete over http2; sealed it does not';
const excess =
  'where the length says so, a client of HTTP/1 stops reading and http2 breaks off; sealed, the excess is seen';

/** Node's own streams on the response. */
export const streams: Table<NodeAnswer> = {
  'pipe of strings': (res) => void Readable.from(['a', 'b', 'c']).pipe(res),
  'pipe of bytes': (res) =>
    void Readable.from([Buffer.from('a'), pattern(70_000), Buffer.from('b')]).pipe(res),
  'pipe of an empty stream': (res) => void Readable.from([]).pipe(res),
  'pipe through another': (res) => void Readable.from(['a', 'b']).pipe(new PassThrough()).pipe(res),
  'pipe that does not end': (res, log) => {
    const source = Readable.from(['a', 'b']);
    source.pipe(res, { end: false });
    source.on('end', () => log(outcome(() => res.end('c'))));
  },
  'unpipe, then end': (res) => {
    const source = new PassThrough();
    source.pipe(res);
    source.write('a');
    res.on('unpipe', () => res.end('b'));
    setImmediate(() => source.unpipe(res));
  },
  'pipe of a source that fails at once': (res, log) => {
    failing()
      .on('error', (error) => log(codeOf(error)) ?? res.destroy())
      .pipe(res);
  },
  'pipe of a source that fails later': (res, log) => {
    const source = failing('a', 'b');
    source.on('error', (error) => log(codeOf(error)) ?? setTimeout(() => res.destroy(), 20)).pipe(res);
  },
  pipeline: (res, log) => pipeline(Readable.from(['a', 'b']), res, noting(log, 'pipeline')),
  'pipeline of large bytes': (res, log) =>
    pipeline(Readable.from([pattern(200_000), pattern(3)]), res, noting(log, 'pipeline')),
  'pipeline of promises': async (res, log) => {
    await piped(Readable.from(['a', 'b']), new PassThrough(), res);
    log(['over', res.writableFinished]);
  },
  'pipeline of a generator': (res, log) =>
    pipeline(
      async function* () {
        yield 'a';
        yield 'b';
      },
      res,
      noting(log, 'pipeline'),
    ),
  'pipeline of a source that fails': (res, log) =>
    pipeline(failing('a'), res, (error) => log(['pipeline', codeOf(error)])),
  'Writable.toWeb': async (res, log) => {
    const writer = Writable.toWeb(res).getWriter();
    await writer.write(Buffer.from('a'));
    await writer.write(Buffer.from('b'));
    await writer.close();
    log('closed');
  },
  'pipeTo of a web stream': async (res, log) => {
    await new Blob(['web ', 'stream']).stream().pipeTo(Writable.toWeb(res));
    log('piped');
  },
  'abort of Writable.toWeb': async (res, log) => {
    const writer = Writable.toWeb(res).getWriter();
    await writer.write(Buffer.from('a'));
    await writer.abort(broken()).catch((error: unknown) => log(codeOf(error)));
  },
};

/** The order of what is written, held back, flushed and ended. */
export const flow: Table<NodeAnswer> = {
  'flushHeaders, then end': (res) => {
    res.flushHeaders();
    res.end('a');
  },
  'flushHeaders twice': (res) => {
    res.flushHeaders();
    res.flushHeaders();
    res.end();
  },
  'flushHeaders, then nothing': {
    questions: [{}, { method: 'HEAD' }],
    answer: (res) => {
      res.flushHeaders();
      res.end();
    },
  },
  'flushHeaders, then a write later': (res) => {
    res.flushHeaders();
    setTimeout(() => res.end('later'), 5);
  },
  'cork and uncork': (res, log) => {
    res.cork();
    log([outcome(() => res.write('a', noting(log, 'a'))), outcome(() => res.write('b', noting(log, 'b')))]);
    res.uncork();
    res.end('c', noting(log, 'end'));
  },
  'cork twice, uncork once, end': (res, log) => {
    res.cork();
    res.cork();
    res.write('a', noting(log, 'a'));
    res.uncork();
    log(res.writableCorked);
    res.end('b');
  },
  'cork, then end': (res) => {
    res.cork();
    res.write('a');
    res.end('b');
  },
  'uncork on the next tick': (res) => {
    res.cork();
    res.write('a');
    process.nextTick(() => {
      res.uncork();
      res.end('b');
    });
  },
  'uncork without cork': (res) => {
    res.uncork();
    res.end('a');
  },
  'writes with callbacks': (res, log) => {
    for (const each of ['a', '', 'b', 'c']) res.write(each, noting(log, `write ${each}`));
    res.end('d', noting(log, 'end'));
  },
  'a write from the callback of another': (res, log) => {
    res.write('a', () => {
      log('a');
      res.write('b', () => {
        log('b');
        res.end('c', noting(log, 'end'));
      });
    });
  },
  '200 writes': (res) => {
    for (let i = 0; i < 200; i++) res.write(`${i},`);
    res.end();
  },
  'a megabyte at once': (res) => void res.end(pattern(1_000_000)),
  'a megabyte as a string': (res) => void res.end('ü'.repeat(500_000)),
  'a megabyte in one write': (res, log) => {
    res.write(pattern(1_000_000), noting(log, 'written'));
    res.end();
  },
  'end in finish': (res, log) => {
    res.on('finish', () => log(outcome(() => res.end('b'))));
    res.end('a');
  },
  'write in finish': (res, log) => {
    res.on('finish', () => log(outcome(() => res.write('b', noting(log, 'b')))));
    res.end('a');
  },
  'state in finish and close': (res, log) => {
    res.setHeader('x-a', '1');
    res.on('finish', () => log(stateOf(res)));
    res.on('close', () => log(stateOf(res)));
    res.end('a');
  },
  'end twice with callbacks': (res, log) => {
    res.end('a', noting(log, 'first'));
    res.end(noting(log, 'second'));
    res.end('b', noting(log, 'third'));
  },
  'end on the next tick, then again': (res, log) => {
    res.write('a');
    process.nextTick(() => {
      res.end(noting(log, 'first'));
      setImmediate(() => res.end(noting(log, 'second')));
    });
  },
  'on-finished': (res, log) => {
    onFinished(res, (error) => log(['on-finished', error, onFinished.isFinished(res)]));
    log(onFinished.isFinished(res));
    res.end('a');
  },
  'on-headers': (res, log) => {
    onHeaders(res, () => {
      log(['on-headers', res.headersSent, res.getHeaderNames()]);
      res.setHeader('x-late', '1');
      res.removeHeader('x-early');
    });
    res.setHeader('x-early', '1');
    res.end('a');
  },
  'on-headers with writeHead': (res, log) => {
    onHeaders(res, () => log([res.statusCode, res.getHeader('x-a')]));
    res.writeHead(201, { 'x-a': '1' });
    res.end('a');
  },
  'on-headers that sets the status': (res) => {
    onHeaders(res, () => {
      res.statusCode = 203;
    });
    res.write('a');
    res.end();
  },
  trailers: (res) => {
    res.setHeader('trailer', 'x-sum, x-other');
    res.write('a');
    res.addTrailers({ 'X-Sum': '1', 'x-other': '2' });
    res.end('b');
  },
  'trailers before the head': (res) => {
    res.setHeader('trailer', 'x-sum');
    res.addTrailers({ 'x-sum': '1' });
    res.write('a');
    res.end();
  },
  'trailers that nobody announced': (res) => {
    res.write('a');
    res.addTrailers({ 'x-sum': '1' });
    res.end();
  },
  'invalid trailers': {
    questions: [{}],
    differs: ({ http2 }) => (http2 ? { log: 'http2 takes what its clients drop' } : {}),
    answer: (res, log) => {
      res.write('a');
      log(outcome(() => res.addTrailers({ 'x-sum': 'a\nb' })));
      res.end();
    },
  },
};

/** What breaks off, and what Node says to what comes then. */
export const failures: Table<NodeAnswer> = {
  'destroy before anything': (res) => void res.destroy(),
  'destroy with an error': (res) => void res.destroy(broken()),
  'destroy after the head': {
    questions: [{}],
    differs: http2(cutIsAnEnd, 'complete'),
    answer: (res) => {
      res.flushHeaders();
      setTimeout(() => res.destroy(), 20);
    },
  },
  'destroy after a write': {
    questions: [{}],
    differs: http2(cutIsAnEnd, 'complete'),
    answer: (res) => {
      res.write('half', () => setTimeout(() => res.destroy(), 20));
    },
  },
  'destroy with an error after a write': (res) => {
    res.write('half', () => setTimeout(() => res.destroy(broken()), 20));
  },
  'the socket is destroyed before anything': (res) => void res.socket?.destroy(),
  'the socket is destroyed after a write': {
    questions: [{}],
    differs: http2(cutIsAnEnd, 'complete'),
    answer: (res) => {
      res.write('half', () => setTimeout(() => res.socket?.destroy(), 20));
    },
  },
  'a callback of a write after destroy': (res, log) => {
    res.destroy();
    log(outcome(() => res.write('a', noting(log, 'write'))));
    log(outcome(() => res.end('b', noting(log, 'end'))));
  },
  'calls after close': (res, log) => {
    res.on('close', () => {
      log(outcome(() => res.write('a', noting(log, 'write'))));
      log(outcome(() => res.end(noting(log, 'end'))));
      log(outcome(() => res.flushHeaders()));
      log(outcome(() => res.cork()));
    });
    res.end('over');
  },
  'setHeader after destroy': (res, log) => {
    res.destroy();
    log(outcome(() => res.setHeader('x-a', '1')));
    log(outcome(() => res.writeHead(200, { 'x-b': '1' })));
  },
  'on-finished of what breaks off': {
    questions: [{}],
    differs: http2(cutIsAnEnd, 'complete'),
    answer: (res, log) => {
      onFinished(res, (error) => log(['on-finished', error === null ? null : codeOf(error)]));
      res.write('half', () => setTimeout(() => res.destroy(), 20));
    },
  },
  'fewer bytes than announced': {
    questions: [{}],
    differs: http2(cutIsAnEnd, 'complete'),
    answer: (res, log) => {
      res.setHeader('content-length', 10);
      res.write('short', noting(log, 'written'));
      setTimeout(() => res.destroy(), 20);
    },
  },
  'more bytes than announced': {
    questions: [{}],
    differs: ({ http2 }) => (http2 ? { body: excess } : { body: excess, complete: excess }),
    answer: (res) => {
      res.setHeader('content-length', 2);
      res.end('too long');
    },
  },
  'strictContentLength with too few bytes': (res, log) => {
    res.strictContentLength = true;
    res.setHeader('content-length', 10);
    log(outcome(() => res.end('short')));
    setTimeout(() => res.destroy(), 20);
  },
  'strictContentLength with too many bytes': {
    questions: [{}],
    differs: ({ http2 }) => (http2 ? { body: excess } : { body: excess, complete: excess }),
    answer: (res, log) => {
      res.strictContentLength = true;
      res.setHeader('content-length', 2);
      log(outcome(() => res.write('too long')));
      log(outcome(() => res.end()));
      setTimeout(() => res.destroy(), 20);
    },
  },
  'strictContentLength with a write too many': {
    questions: [{}],
    differs: http2(excess, 'body'),
    answer: (res, log) => {
      res.strictContentLength = true;
      res.writeHead(200, { 'content-length': 2 });
      log(outcome(() => res.write('a')));
      log(outcome(() => res.write('bc')));
      log(outcome(() => res.end('b')));
    },
  },
  'strictContentLength with the right number': (res, log) => {
    res.strictContentLength = true;
    res.setHeader('content-length', 4);
    log(outcome(() => res.write('ri')));
    log(outcome(() => res.end('te')));
  },
};

/** Answers before the answer (RFC 9110, section 15.2). */
export const interim: Table<NodeAnswer> = {
  writeContinue: (res, log) => {
    log(outcome(() => res.writeContinue()));
    res.end('a');
  },
  writeProcessing: (res, log) => {
    log(outcome(() => res.writeProcessing()));
    res.end('a');
  },
  writeEarlyHints: {
    questions: [{}],
    differs: { informational: 'a hint in plaintext would tell what the sealed head is about to say' },
    answer: (res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
      res.end('a');
    },
  },
  'writeEarlyHints with a callback': {
    questions: [{}],
    differs: { informational: 'as above' },
    answer: (res, log) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' }, () => log('hinted'));
      setTimeout(() => res.end('a'), 10);
    },
  },
};
