import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { pattern } from './bytes.ts';
import { Arrivals } from './cases.ts';
import type { Koa, StackApp } from './stacks.ts';

/** Bytes of `/download`. */
export const downloadSize = 3_000_000;

async function hashed(req: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of req) hash.update(chunk);
  return hash.digest('hex');
}

/** A body that fails after its beginning. */
function breaking(): Readable {
  let begun = false;
  return new Readable({
    read() {
      if (begun) setImmediate(() => this.destroy(new Error('the source of a body fails')));
      else this.push(pattern(100_000));
      begun = true;
    },
  });
}

type OnNode = (req: IncomingMessage, res: ServerResponse) => boolean;

/** An application on Koa and on plain Node, and what happens in it. */
export class SecureApp implements StackApp {
  /** What its clients did, as the server noticed it. */
  readonly events = new Arrivals<string>();
  /** Responses of `/feed`, to be written by the test. */
  readonly feeds = new Arrivals<ServerResponse>();

  readonly koa = (app: Koa) => onKoa(app, this.#onNode);
  readonly listener: RequestListener = (req, res) => onPlainNode(req, res, this.#onNode);

  /** What needs Node's own request and response, whatever the framework is. Returns false for another path. */
  readonly #onNode: OnNode = (req, res) => {
    switch (req.url) {
      case '/feed':
        res.writeHead(200, { 'content-type': 'text/event-stream' });
        res.on('close', () => this.events.push(res.writableEnded ? 'ended' : 'closed'));
        this.feeds.push(res);
        return true;
      case '/held':
        req.on('aborted', () => this.events.push('aborted'));
        req.on('error', () => {});
        req.once('data', () => this.events.push('data'));
        return true;
      case '/trailers':
        req.resume().on('end', () => {
          res.write('body');
          res.addTrailers({ 'x-sum': String(req.trailers['x-sum'] ?? 'none') });
          res.end();
        });
        return true;
      case '/unread':
        res.end('unread');
        return true;
      default:
        return false;
    }
  };
}

function onKoa(app: Koa, onNode: OnNode): void {
  app.use(async (ctx) => {
    if (onNode(ctx.req, ctx.res)) {
      ctx.respond = false;
      ctx.res.statusCode = 200;
      return;
    }
    switch (ctx.path) {
      case '/about':
        ctx.body = [ctx.method, ctx.url, ctx.protocol, ctx.host, ctx.req.httpVersion, ctx.secure];
        break;
      case '/json':
        ctx.status = 201;
        ctx.body = { got: JSON.parse(await text(ctx.req)) };
        break;
      case '/upload':
        ctx.body = await hashed(ctx.req);
        break;
      case '/download':
        ctx.body = Readable.from([pattern(downloadSize)]);
        break;
      case '/nothing':
        ctx.status = 204;
        break;
      case '/refused':
        ctx.throw(418, 'not here');
        break;
      case '/broken':
        throw new Error('a handler that throws');
      case '/breaking':
        ctx.body = breaking();
    }
  });
}

async function onPlainNode(req: IncomingMessage, res: ServerResponse, onNode: OnNode): Promise<void> {
  if (onNode(req, res)) return;
  const answer = (status: number, value: unknown) => {
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(JSON.stringify(value));
  };
  const { scheme = 'https', authority = req.headers.host } = req as { scheme?: string; authority?: string };
  try {
    switch (req.url?.split('?')[0]) {
      case '/about':
        answer(200, [req.method, req.url, scheme, authority, req.httpVersion, 'encrypted' in req.socket]);
        break;
      case '/json':
        answer(201, { got: JSON.parse(await text(req)) });
        break;
      case '/upload':
        res.end(await hashed(req));
        break;
      case '/download':
        Readable.from([pattern(downloadSize)]).pipe(res);
        break;
      case '/nothing':
        res.writeHead(204).end();
        break;
      case '/refused':
        res.writeHead(418).end('not here');
        break;
      case '/broken':
        res.writeHead(500).end('Internal Server Error');
        break;
      case '/breaking':
        await pipeline(breaking(), res);
        break;
      default:
        res.writeHead(404).end('Not Found');
    }
  } catch {
    // The body of the request is not whole, or that of the response.
    if (!res.headersSent) res.writeHead(400).end();
  }
}
