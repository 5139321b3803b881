import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorRequestHandler, Request } from 'express';
import express5 from 'express';
import type { Consumer, MiddlewareConsumer } from './consumer.ts';
import { koaConsumers } from './koa-consumers.ts';
import { parserConsumers } from './parser-consumers.ts';
import type { StackApp } from './stacks.ts';
import { streamConsumers } from './stream-consumers.ts';

/** Everything that reads requests, for the matrices: each reads a request its own way. */
export const consumers: readonly Consumer[] = [...parserConsumers, ...streamConsumers, ...koaConsumers];

/** One exchange as the application has it; `events` grows as its request emits them, `closed` is the end of both. */
export interface SeenExchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly events: string[];
  readonly closed: Promise<unknown>;
}

/** What the application answers: what its consumer read or how it failed, and how the request looked by then. */
export interface Report {
  readonly read?: unknown;
  readonly error?: { name: string; message: string; code?: unknown; status?: unknown };
  readonly headers: Record<string, string | null>;
  readonly complete: boolean;
  readonly events: readonly string[];
}

/** An application whose only handler is a consumer; `seen` is told of every exchange before the consumer reads. */
export function consumingApp(
  consumer: Consumer,
  seen: (exchange: SeenExchange) => void = () => {},
): StackApp {
  const begin = (req: IncomingMessage, res: ServerResponse) => {
    const exchange = observed(req, res);
    seen(exchange);
    return exchange;
  };
  switch (consumer.kind) {
    case 'any':
      return {
        listener(req, res) {
          const exchange = begin(req, res);
          void answer(exchange, consumer.read(req, res), consumer.echoes);
        },
      };
    case 'koa':
      return {
        koa(app) {
          app.use(async (ctx) => {
            const exchange = begin(ctx.req, ctx.res);
            const report = await reportOf(exchange, consumer.read(ctx));
            if (consumer.echoes && report.error === undefined) return;
            ctx.status = report.error === undefined ? 200 : 500;
            ctx.body = report;
          });
        },
      };
    case 'express':
      return middlewareApp(consumer, begin);
  }
}

function middlewareApp(
  consumer: MiddlewareConsumer,
  begin: (req: IncomingMessage, res: ServerResponse) => SeenExchange,
): StackApp {
  return {
    express(app, express) {
      app.use((req, res, next) => {
        res.locals['exchange'] = begin(req, res);
        next();
      });
      app.use(consumer.middleware(express));
      app.use(async (req, res) => answer(res.locals['exchange'], Promise.resolve(consumer.taken(req))));
      const onError: ErrorRequestHandler = (error, _req, res, _next) =>
        answer(res.locals['exchange'], Promise.reject(error));
      app.use(onError);
    },
    listener(req, res) {
      const exchange = begin(req, res);
      const parsed = new Promise<unknown>((resolve, reject) => {
        const next = (error?: unknown) => {
          if (error === undefined) resolve(consumer.taken(req as Request));
          else reject(error);
        };
        consumer.middleware(express5)(req as Request, res as never, next);
      });
      void answer(exchange, parsed);
    },
  };
}

async function answer(exchange: SeenExchange, reading: Promise<unknown>, echoes?: true): Promise<void> {
  const report = await reportOf(exchange, reading);
  if (echoes && report.error === undefined) return;
  const { res } = exchange;
  res.statusCode = report.error === undefined ? 200 : 500;
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify(report));
}

async function reportOf({ req, events }: SeenExchange, reading: Promise<unknown>): Promise<Report> {
  const result = await reading.then(
    (read) => ({ read }),
    (error) => {
      const { name, message, code, status } = error;
      return { error: { name, message, code, status } };
    },
  );
  const names = ['content-type', 'content-length', 'transfer-encoding'];
  const headers = Object.fromEntries(names.map((name) => [name, (req.headers[name] as string) ?? null]));
  return { ...result, headers, complete: req.complete, events: [...events] };
}

const noted = new Set<string | symbol>(['end', 'close', 'error', 'aborted']);

/** Notes events as they are emitted: a listener would change what an `error` does. */
function observed(req: IncomingMessage, res: ServerResponse): SeenExchange {
  const events: string[] = [];
  const emit = req.emit;
  req.emit = function (this: IncomingMessage, event: string | symbol, ...args: unknown[]) {
    if (noted.has(event)) events.push(event as string);
    return emit.call(this, event, ...args);
  } as typeof req.emit;
  // `once` of node:events would listen for errors, too.
  const closes = [req, res].map((each) => new Promise<void>((resolve) => each.once('close', resolve)));
  return { req, res, events, closed: Promise.all(closes) };
}
