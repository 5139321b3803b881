import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeAnswer, Table } from './matrix.ts';
import { type Log, outcome, stateOf } from './watch.ts';

/** Methods of the response that are not in every type of it, with any arguments. */
type Any = ServerResponse & Record<string, (...args: unknown[]) => unknown>;

const set = (run: (res: Any, log: Log, req: IncomingMessage) => unknown): NodeAnswer => {
  return (res, log, req) => {
    log(outcome(() => run(res as Any, log, req)));
    log(stateOf(res));
    log(outcome(() => res.end('body')));
    if (!res.headersSent) res.destroy();
  };
};

/** What is set, got and removed before the head. */
export const setting: Table<NodeAnswer> = {
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

/** Each of these when the head was sent in some way. */
export function afterHead(begin: (res: ServerResponse) => unknown): Table<NodeAnswer> {
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
