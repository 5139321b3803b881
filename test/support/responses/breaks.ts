import type { Stack } from '../stacks.ts';
import { cutIsAnEnd, onFinished } from './common.ts';
import type { Differs, NodeAnswer, Table } from './matrix.ts';
import { codeOf } from './transport.ts';
import { noting, outcome } from './watch.ts';

const broken = () => new Error('on purpose');

/** What is another over http2. */
const http2 = (reason: string, ...parts: (keyof Differs)[]) => {
  return (stack: Stack): Differs =>
    stack.http2 ? Object.fromEntries(parts.map((part) => [part, reason])) : {};
};

const excess =
  'where the length says so, a client of HTTP/1 stops reading and http2 breaks off; sealed, the excess is seen';

const refused = 'a message that is not what it says is refused before its head is relayed';

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
    differsThroughGateway: { status: refused, headers: refused, body: refused },
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
    differsThroughGateway: { status: refused, headers: refused, body: refused },
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
