import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, RequestHandler } from 'express';
import type { Context } from 'koa';
import type { Express } from './cases.ts';
import type { BodyKind } from './request-bodies.ts';

interface AnyConsumer {
  readonly name: string;
  /** What it is made to read. */
  readonly body: BodyKind;
  /** True if its answer is the body that it read, and no report. */
  readonly echoes?: true;
  /** What it does not read, in plain either: a body whose length nobody tells, as http2 allows; or none at all. */
  readonly leaves?: 'bodies without a length over http2' | 'every body';
}

/** Takes Node's request and response, in every framework. Resolves with what it read, rejects with its error. */
export interface NodeConsumer extends AnyConsumer {
  readonly kind: 'any';
  read(req: IncomingMessage, res: ServerResponse): Promise<unknown>;
}

/** Middleware of Express, which runs elsewhere, too; `taken` is what it left at the request. */
export interface MiddlewareConsumer extends AnyConsumer {
  readonly kind: 'express';
  middleware(express: Express): RequestHandler;
  taken(req: Request): unknown;
}

/** Takes Koa's context. Resolves with what it read, rejects with its error. */
export interface KoaConsumer extends AnyConsumer {
  readonly kind: 'koa';
  read(ctx: Context): Promise<unknown>;
}

export type Consumer = NodeConsumer | MiddlewareConsumer | KoaConsumer;
