import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { codeOf } from './transport.ts';

export type Log = (entry: unknown) => void;

const events = ['prefinish', 'finish', 'close', 'drain', 'pipe', 'unpipe', 'error'] as const;

/** Notes what a handler is told of its response; `done` gets all of it when the response is over. */
export function watch(req: IncomingMessage, res: ServerResponse, done: (log: unknown[]) => void): Log {
  const entries: unknown[] = [];
  const log: Log = (entry) => entries.push(entry);
  // Over http2 it stands for the stream, which goes with the exchange.
  const lasting = 'stream' in req ? [] : [req.socket];
  for (const event of events) {
    res.on(event, (value: unknown) => log(event === 'error' ? [event, codeOf(value)] : event));
  }
  req.on('error', (error) => log(['error of the request', codeOf(error)]));
  res.on('close', () => {
    // Callbacks of what came too late run after it.
    setImmediate(() =>
      setImmediate(() =>
        done([...entries, stateOf(res), leftOf(res), leftListening([req, res, ...lasting])]),
      ),
    );
  });
  return log;
}

/** What a response says of itself. */
export function stateOf(res: ServerResponse): Record<string, unknown> {
  return {
    headersSent: res.headersSent,
    writableEnded: res.writableEnded,
    finished: res.finished,
    destroyed: res.destroyed,
    statusCode: res.statusCode,
    statusMessage: 'stream' in res ? undefined : res.statusMessage,
    sendDate: res.sendDate,
    headers: { ...res.getHeaders() },
    names: res.getHeaderNames().sort(),
  };
}

/** What is left in it at the end; a response that breaks off keeps what Node corked. */
function leftOf(res: ServerResponse): unknown[] {
  const { writableFinished, writableLength, writableCorked, writableNeedDrain } = res;
  return writableFinished ? [writableLength, writableCorked, writableNeedDrain] : ['not finished'];
}

/** What a call returns, or the code of what it throws. */
export function outcome(call: () => unknown): unknown {
  try {
    const value = call();
    return typeof value === 'object' && value !== null ? 'an object' : value;
  } catch (error) {
    return ['thrown', codeOf(error)];
  }
}

/** A callback that notes with what it is called. */
export function noting(log: Log, name: string): (...args: unknown[]) => void {
  return (...args) => log([name, ...args.map((arg) => (arg instanceof Error ? codeOf(arg) : arg))]);
}

/** How many still listen to each. */
function leftListening(emitters: readonly EventEmitter[]): Record<string, number>[] {
  return emitters.map((emitter) => {
    const counts = emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)] as const);
    return Object.fromEntries(counts.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
