import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { isOuterRequestField } from '@sealwire/core';
import type { NextFunction, Request, Response } from 'express';
import type { Context, Next } from 'koa';
import { Arrivals } from '../cases.ts';
import { type Stack, type StackApp, type StackServer, startStack } from '../stacks.ts';
import { WireClient } from '../wire-client.ts';
import { codeOf, http1Transport, http2Transport, type Pair, type Transport } from './transport.ts';
import { isSealed, type View, viewPlain, viewSealed } from './view.ts';
import { type Log, watch } from './watch.ts';

/** What is asked; default: GET without fields. */
export interface Question {
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: string;
}

export type NodeAnswer = (res: ServerResponse, log: Log, req: IncomingMessage) => unknown;
export type ExpressAnswer = (req: Request, res: Response, log: Log, next: NextFunction) => unknown;
export type KoaAnswer = (ctx: Context, log: Log, next: Next) => unknown;

/** An answer to some questions, and what of it is another sealed, with the reason. */
export interface Asked<Answer> {
  readonly questions: readonly Question[];
  readonly answer: Answer;
  readonly differs?: Partial<Record<keyof View | 'log', string>>;
}

/** Cases by name. */
export type Table<Answer> = Readonly<Record<string, Answer | Asked<Answer>>>;

export interface Tables {
  readonly node?: Table<NodeAnswer>;
  readonly express?: Table<ExpressAnswer>;
  readonly koa?: Table<KoaAnswer>;
  /** What is mounted before and behind Sealwire, in front of the answers. */
  readonly around?: Pick<StackApp, 'before' | 'express' | 'koa'>;
}

interface Twin {
  readonly server: StackServer;
  readonly logs: Arrivals<unknown[]>;
  ask(path: string, question: Question): Promise<View | string>;
}

/** What the client is told, or why it is told nothing, and what the handler is. */
type Told = Partial<View> & { readonly failed?: string; readonly log: readonly unknown[] };

/** Asks every case on a stack, with and without Sealwire, and returns how many; fails with the names that differ. */
export async function compare(stack: Stack, { node, express, koa, around }: Tables): Promise<number> {
  const table = (stack.kind === 'express' && express) || (stack.kind === 'koa' && koa) || node || {};
  const cases = Object.entries(table as Table<NodeAnswer>).map(([name, given]) =>
    typeof given === 'function' ? { name, questions: [{}], answer: given } : { name, ...given },
  );
  const answers = cases.map(({ answer }) => answer);
  const [plain, sealed] = (await Promise.all(
    [false, true].map(async (behind) => {
      const logs = new Arrivals<unknown[]>();
      const app = mounted(table === node ? 'node' : stack.kind, answers, (log) => logs.push(log), around);
      const server = await startStack(stack, app, { sealed: behind });
      const transport = stack.http2 ? http2Transport(server.origin) : http1Transport(server.port);
      const ask = behind ? await sealedAsk(server, transport) : plainAsk(transport);
      return { server, logs, ask };
    }),
  )) as [Twin, Twin];
  const faults: string[] = [];
  let asked = 0;
  for (const [index, { name, questions, differs = {} }] of cases.entries()) {
    for (const question of questions) {
      asked++;
      const path = `/${index}${question.query ?? ''}`;
      const [ofPlain, ofSealed] = (await Promise.all(
        [plain, sealed].map((twin) => told(stack, twin, path, question)),
      )) as [Told, Told];
      const fault = difference(ofPlain, ofSealed, differs);
      if (fault !== undefined) faults.push(`${question.method ?? 'GET'} ${name}: ${fault}`);
    }
  }
  if (faults.length > 0) throw new Error(`${faults.length} of ${asked} differ:\n${faults.join('\n')}`);
  return asked;
}

async function told(stack: Stack, twin: Twin, path: string, question: Question): Promise<Told> {
  const view = await twin.ask(path, question).catch((error: unknown) => `no answer: ${codeOf(error)}`);
  const log = await twin.logs.next('what the handler saw').catch(() => ['the response never closed']);
  if (typeof view === 'string') return { failed: view, log };
  const bodiless = question.method === 'HEAD' || view.status === 204 || view.status === 304;
  return { ...view, log: stack.http2 && bodiless ? log.map(withoutError).sort() : log };
}

/**
 * http2 ends a stream that has no body with its head, before its `finish`; a write then fails, for its callback only.
 * Sealed, every stream carries a message.
 */
function withoutError(entry: unknown): unknown {
  return Array.isArray(entry) && entry[1] === 'ERR_STREAM_WRITE_AFTER_END' ? [entry[0]] : entry;
}

function difference(plain: Told, sealed: Told, differs: Partial<Record<string, string>>): string | undefined {
  const faults: string[] = [];
  for (const part of new Set([...Object.keys(plain), ...Object.keys(sealed)]) as Set<keyof Told>) {
    const [one, other] = [plain[part], sealed[part]];
    const equal = isDeepStrictEqual(one, other);
    if (differs[part] !== undefined && equal) faults.push(`${part} is the same, and was not expected to be`);
    else if (differs[part] === undefined && !equal) faults.push(`${part}: ${inShort(one, other)}`);
  }
  return faults.length > 0 ? faults.join('\n      ') : undefined;
}

/** Where two values part, as far as that is easily said. */
function inShort(one: unknown, other: unknown): string {
  if (Array.isArray(one) && Array.isArray(other)) {
    const at = [...one, ...other].findIndex((_, index) => !isDeepStrictEqual(one[index], other[index]));
    return `at ${at} ${inShort(one[at], other[at])}`;
  }
  return `${JSON.stringify(one)} is ${JSON.stringify(other)} sealed`;
}

/** The application that answers `/<index>` with the case of that number. */
function mounted(
  kind: 'node' | 'express' | 'koa',
  answers: readonly unknown[],
  done: (log: unknown[]) => void,
  around: Tables['around'] = {},
): StackApp {
  const find = (url: string) => answers[Number.parseInt(url.slice(1), 10)];
  const { before } = around;
  const shared = before === undefined ? {} : { before };
  if (kind === 'express') {
    return {
      ...shared,
      express(app, express) {
        around.express?.(app, express);
        app.use((req, res, next) => {
          const answer = find(req.originalUrl) as ExpressAnswer;
          return answer(req, res, watch(req, res, done), next);
        });
      },
    };
  }
  if (kind === 'koa') {
    return {
      ...shared,
      koa(app) {
        around.koa?.(app);
        app.use((ctx, next) => {
          const answer = find(ctx.originalUrl) as KoaAnswer;
          return answer(ctx as Context, watch(ctx.req, ctx.res, done), next);
        });
      },
    };
  }
  return {
    ...shared,
    listener(req, res) {
      const log = watch(req, res, done);
      try {
        (find(req.url as string) as NodeAnswer)(res, log, req);
      } catch (error) {
        // Plain Node would end with it.
        log(['thrown', codeOf(error)]);
        res.destroy();
      }
    },
  };
}

function plainAsk(transport: Transport): Twin['ask'] {
  return async (path, { method, fields = {}, body }) => {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    const asked = method ?? (body === undefined ? 'GET' : 'POST');
    const answer = await transport(asked, path, Object.entries(fields), bytes);
    return typeof answer === 'string' ? answer : viewPlain(answer);
  };
}

async function sealedAsk(server: StackServer, transport: Transport): Promise<Twin['ask']> {
  const wire = await WireClient.over(server, async (path, body) => {
    const type: Pair[] = body === undefined ? [] : [['content-type', 'application/vnd.sealwire.handshake']];
    const answer = await transport(body === undefined ? 'GET' : 'POST', path, type, body);
    if (typeof answer === 'string') throw new Error(answer);
    return answer.body;
  });
  return async (path, { method, fields = {}, body }) => {
    const given = Object.entries(fields);
    const message = await wire.seal({
      path,
      body,
      fields: given.filter(([name]) => !isOuterRequestField(name)),
      ...(method !== undefined && { method }),
    });
    const outer = given.filter(([name]) => isOuterRequestField(name));
    const headers = [...outer, ...wire.headersOf(message)];
    const bytes = message.inHeader ? undefined : message.message;
    const answer = await transport(message.method, path, headers, bytes);
    if (typeof answer === 'string') return answer;
    if (!isSealed(answer)) return `in plaintext: ${answer.status}`;
    const opener = wire.opener(message);
    await opener.push(answer.body);
    return viewSealed(answer, opener.opened);
  };
}
