// The response object says and does what Node's does: every form of writeHead, and every question before and after it.
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { startNodeTwins } from '../../../test/support/twins.ts';

type Answer = (res: ServerResponse, req: IncomingMessage) => unknown;

/** Asks both twins every answer; what they return and what they let the client see has to be equal. */
async function alike(answers: Record<string, Answer>, methods = ['GET', 'HEAD']): Promise<void> {
  const logs: unknown[] = [];
  const twins = await startNodeTwins((req, res) => {
    const answer = answers[decodeURIComponent((req.url as string).slice(1))] as Answer;
    logs.push(answer(res, req));
  });
  for (const name of Object.keys(answers)) {
    for (const method of methods) {
      logs.length = 0;
      const { plain, sealed } = await twins.ask(`/${encodeURIComponent(name)}`, () => ({ method }));
      assert.equal(sealed, plain, `${method}: ${name}`);
      assert.is(logs.length, 2);
      assert.equal(logs[0], logs[1], `${method}: what the handler saw of ${name}`);
    }
  }
}

/** The code of what a call throws, or what it returns. */
function outcome(call: () => unknown): unknown {
  try {
    const value = call();
    return typeof value === 'object' && value !== null ? 'an object' : value;
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message;
  }
}

it('writeHead takes its arguments in every form', () =>
  alike({
    status: (res) => res.writeHead(201).end('a') && 1,
    object: (res) => res.writeHead(200, { 'X-A': '1', 'x-b': ['2', '3'], 'x-n': 4 }).end('a') && 1,
    reason: (res) => res.writeHead(200, 'Fine').end('a') && res.statusMessage,
    'reason and object': (res) =>
      res.writeHead(404, 'Gone fishing', { 'x-a': '1' }).end('a') && res.statusMessage,
    'undefined reason': (res) => res.writeHead(200, undefined, { 'x-a': '1' }).end('a') && 1,
    'flat array': (res) => res.writeHead(200, ['X-A', '1', 'x-a', '2', 'x-b', '3']).end('a') && 1,
    'array of pairs': (res) =>
      res
        .writeHead(200, [
          ['x-a', '1'],
          ['x-b', '2'],
        ] as unknown as string[])
        .end('a') && 1,
    'over what was set': (res) => {
      res.setHeader('x-a', 'before').setHeader('x-kept', 'kept');
      return res.writeHead(200, { 'x-a': 'after' }).end('a') && 1;
    },
    'flat array over what was set': (res) => {
      res.setHeader('x-a', 'before').setHeader('x-kept', 'kept');
      return res.writeHead(200, ['x-a', '1', 'x-b', '2']).end('a') && 1;
    },
    'values of other kinds': (res) => {
      res.setHeader('x-list', [1, true, 'c'] as unknown as string[]);
      res.setHeader('x-null', null as unknown as string);
      return (
        res
          .writeHead(200, { 'x-true': true as unknown as string, 'x-many': ['a', 2] as string[] })
          .end('a') && 1
      );
    },
    'with a length': (res) => res.writeHead(200, { 'content-length': 3 }).end('abc') && 1,
    'then writes': (res) => {
      res.writeHead(200, { 'content-type': 'text/plain' });
      return [res.write('a'), res.write('b'), res.end('c') === res];
    },
    'then nothing': (res) => res.writeHead(200).end() && 1,
  }));

it('a Content-Length that was taken away stays away', () => {
  const removing = (status: number, body?: string) => (res: ServerResponse) => {
    res.statusCode = status;
    res.setHeader('content-length', 9);
    res.removeHeader('Content-Length');
    res.end(body);
    return 1;
  };
  return alike({ 'with a body': removing(200, 'abc'), without: removing(200), '205': removing(205) });
});

it('writeHead and setHeader refuse what Node refuses, in its words', () =>
  alike({
    'status 99': (res) => [outcome(() => res.writeHead(99)), res.end('a') && 1],
    'status 1000': (res) => [outcome(() => res.writeHead(1000)), res.end('a') && 1],
    'no status': (res) => [outcome(() => res.writeHead(undefined as unknown as number)), res.end('a') && 1],
    'a value of no text': (res) => [
      outcome(() => res.writeHead(200, { 'x-a': undefined as unknown as string })),
      outcome(() => res.end('a')),
    ],
    'a value with a line break': (res) => [
      outcome(() => res.writeHead(200, { 'x-a': 'a\nb' })),
      res.end('a') && 1,
    ],
    'a name with a blank': (res) => [outcome(() => res.writeHead(200, { 'x a': '1' })), res.end('a') && 1],
    'an odd flat array': (res) => [outcome(() => res.writeHead(200, ['x-a'])), res.end('a') && 1],
    'a second head': (res) => {
      res.writeHead(200);
      return [outcome(() => res.writeHead(201)), res.end('a') && 1];
    },
    'a header after the head': (res) => {
      res.writeHead(200, { 'x-a': '1' });
      const tries = [
        outcome(() => res.setHeader('x-b', '2')),
        outcome(() => res.appendHeader('x-b', '2')),
        outcome(() => res.removeHeader('x-a')),
        outcome(() => res.writeHead(200, { 'x-b': '2' })),
        outcome(() => res.flushHeaders()),
      ];
      res.end('a');
      return tries;
    },
    'a chunk of no kind': (res) => [
      outcome(() => res.write(7 as unknown as string)),
      outcome(() => res.write(null as unknown as string)),
      outcome(() => res.end({} as unknown as string)),
      outcome(() => res.end('a')),
    ],
  }));

it('before and after the head the application reads its own values', () => {
  const values = (res: ServerResponse) => ({
    sent: res.headersSent,
    status: res.statusCode,
    message: res.statusMessage,
    type: res.getHeader('Content-Type'),
    list: res.getHeader('x-list'),
    has: [
      res.hasHeader('X-List'),
      res.hasHeader('cache-control'),
      res.hasHeader('vary'),
      res.hasHeader('sealwire'),
    ],
    names: res.getHeaderNames(),
    all: { ...res.getHeaders() } as OutgoingHttpHeaders,
    ended: [res.writableEnded, res.finished],
  });
  return alike({
    'set one by one': (res) => {
      res.statusCode = 206;
      res.setHeader('Content-Type', 'text/plain');
      res.setHeader('X-List', ['a', 'b']);
      const before = values(res);
      res.write('x');
      const during = values(res);
      res.end('y');
      return [before, during, values(res)];
    },
    'with a reason': (res) => {
      res.statusCode = 500;
      res.statusMessage = 'Oh no';
      res.setHeader('x-list', 'a');
      res.end('x');
      return values(res);
    },
    'nothing at all': (res) => {
      res.end();
      return values(res);
    },
  });
});

it('a status between 600 and 999 or below 200 is an ordinary answer', async () => {
  const twins = await startNodeTwins((req, res) => {
    res.writeHead(Number((req.url as string).slice(1))).end('odd');
  });
  const ok = await twins.ask('/299');
  assert.equal(ok.sealed, ok.plain);
  for (const status of [600, 777, 999]) {
    const response = await twins.sealed(`/${status}`);
    assert.equal([response.status, response.ok, response.sealed.status], [status, false, 200]);
    assert.is(await response.text(), 'odd');
  }
  const switching = await twins.sealed('/101');
  assert.equal([switching.status, switching.ok, switching.sealed.status], [101, false, 200]);
});

test.run();
