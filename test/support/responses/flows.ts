import { PassThrough, pipeline, Readable, Writable } from 'node:stream';
import { pipeline as piped } from 'node:stream/promises';
import { pattern } from '../bytes.ts';
import type { Stack } from '../stacks.ts';
import { failing, onFinished, onHeaders } from './common.ts';
import type { Differs, NodeAnswer, Table } from './matrix.ts';
import { codeOf } from './transport.ts';
import { noting, outcome, stateOf } from './watch.ts';

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
    const source = failing();
    source.on('error', (error) => {
      log(codeOf(error));
      res.destroy();
    });
    source.pipe(res);
  },
  'pipe of a source that fails later': (res, log) => {
    const source = failing('a', 'b');
    source.on('error', (error) => {
      log(codeOf(error));
      res.destroy(error);
    });
    source.pipe(res);
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
    await writer.abort(new Error('on purpose')).catch((error: unknown) => log(codeOf(error)));
  },
};

/** Newer Nodes send the end of a body before what is corked, which is lost; sealed, the loss is seen. */
const lostWhenCorked = ({ http2 }: Stack): Differs =>
  losesWhatIsCorked && !http2 ? { complete: 'the last record is what is lost' } : {};
const losesWhatIsCorked = Number.parseInt(process.versions.node, 10) >= 24;
const cutWhenCorked: Differs = losesWhatIsCorked ? { failed: 'a message without its end is no answer' } : {};

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
  'cork twice, uncork once, end': {
    questions: [{}],
    differs: lostWhenCorked,
    differsThroughGateway: cutWhenCorked,
    answer: (res, log) => {
      res.cork();
      res.cork();
      res.write('a', noting(log, 'a'));
      res.uncork();
      log(res.writableCorked);
      res.end('b');
    },
  },
  'cork, then end': {
    questions: [{}],
    differs: lostWhenCorked,
    differsThroughGateway: cutWhenCorked,
    answer: (res) => {
      res.cork();
      res.write('a');
      res.end('b');
    },
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
  'large writes that wait for drain': (res, log) => {
    let left = 10;
    const next = () => {
      if (left-- === 0) {
        res.end();
        return;
      }
      const wantsMore = res.write(pattern(300_000));
      log(wantsMore);
      if (wantsMore) next();
      else res.once('drain', next);
    };
    next();
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
