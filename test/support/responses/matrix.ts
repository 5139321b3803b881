import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { isOuterRequestField } from '@sealwire/core';
import type { NextFunction, Request, Response } from 'express';
import type { Context, Next } from 'koa';
import { deferred, it, within } from '../cases.ts';
import { recordResult } from '../compatibility.ts';
import { gatewayStacks, ofConnection, startGateway } from '../gateways.ts';
import { nodeHttp, type Stack, type StackApp, type StackServer, stacks, startStack } from '../stacks.ts';
import { WireClient } from '../wire-client.ts';
import { askOver, codeOf, http1Transport, http2Transport, type Transport } from './transport.ts';
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
  readonly differs?: Differs | ((stack: Stack, question: Question) => Differs);
  /** What a plain client gets of a gateway is another, if not the same as above. */
  readonly differsThroughGateway?: Differs;
}

/** What of an answer is another sealed, and why. */
export type Differs = Partial<Record<keyof Told, string>>;

/** Cases by name. */
export type Table<Answer> = Readonly<Record<string, Answer | Asked<Answer>>>;

export interface Tables {
  readonly node?: Table<NodeAnswer>;
  readonly express?: Table<ExpressAnswer>;
  readonly koa?: Table<KoaAnswer>;
  /** What is mounted before and behind Sealwire, in front of the answers. */
  readonly around?: Pick<StackApp, 'before' | 'express' | 'koa'>;
}

/** What handlers saw, by path. */
class Logs {
  readonly #logs = new Map<string, ReturnType<typeof deferred<unknown[]>>>();

  of(path: string): ReturnType<typeof deferred<unknown[]>> {
    const log = this.#logs.get(path) ?? deferred<unknown[]>();
    this.#logs.set(path, log);
    return log;
  }
}

interface Twin {
  readonly server: StackServer;
  readonly logs: Logs;
  ask(path: string, question: Question): Promise<View | string>;
}

/** What the client is told, or why it is told nothing, and what the handler is. */
type Told = Partial<View> & { readonly failed?: string; readonly log?: readonly unknown[] };

/** Registers one test for each table of a theme and each server that it is for. */
export function matrix(
  theme: string,
  tables: Readonly<Record<string, Tables>>,
  on = [nodeHttp, ...stacks],
): void {
  for (const stack of on) {
    for (const [name, table] of Object.entries(tables)) {
      if (table[stack.kind] !== undefined || table.node !== undefined)
        it(`${name} (${stack.name})`, () =>
          compare(stack, table, 'sealed', (same) => recordResult('responses', theme, stack.name, same)));
    }
  }
}

/** Registers the same tests for a plain client that calls a sealing gateway: what it is told is compared. */
export function matrixThroughGateway(tables: Readonly<Record<string, Tables>>, on = gatewayStacks): void {
  for (const stack of on) {
    for (const [name, table] of Object.entries(tables)) {
      if (table[stack.kind] !== undefined || table.node !== undefined)
        it(`${name}, through a gateway (${stack.name})`, () => compare(stack, table, 'gateway'));
    }
  }
}

/** Asks every case on a stack, in plain and that way; fails with the names that differ. `tell` gets every result. */
async function compare(
  stack: Stack,
  { node, express, koa, around }: Tables,
  way: 'sealed' | 'gateway',
  tell: (same: boolean) => void = () => {},
): Promise<void> {
  const table = (stack.kind === 'express' && express) || (stack.kind === 'koa' && koa) || node || {};
  const cases = Object.entries(table as Table<NodeAnswer>).map(([name, given]) =>
    typeof given === 'function' ? { name, questions: [{}], answer: given } : { name, ...given },
  );
  const answers = cases.map(({ answer }) => answer);
  const [plain, sealed] = (await Promise.all(
    [false, true].map(async (behind) => {
      const logs = new Logs();
      const app = mounted(table === node ? 'node' : stack.kind, answers, logs, around);
      const server = await startStack(stack, app, { sealed: behind });
      const through = behind && way === 'gateway';
      const { origin, port } = through ? await startGateway({ origin: server.origin }) : server;
      const transport = stack.http2 ? http2Transport(origin) : http1Transport(port);
      const ask = behind && !through ? await sealedAsk(server, transport) : plainAsk(transport);
      return { server, logs, ask };
    }),
  )) as [Twin, Twin];
  const faults: string[] = [];
  let asked = 0;
  for (const [index, { name, questions, differs, differsThroughGateway }] of cases.entries()) {
    for (const question of questions) {
      asked++;
      const path = `/${index}/${asked}${question.query ?? ''}`;
      const [ofPlain, ofSealed] = (await Promise.all(
        [plain, sealed].map((twin) =>
          way === 'gateway' ? toldOfGateway(twin, path, question) : told(stack, twin, path, question),
        ),
      )) as [Told, Told];
      const ofSealing = typeof differs === 'function' ? differs(stack, question) : differs;
      const { log: _, informational: __, ...ofMessage } = ofSealing ?? {};
      const allowed = way === 'gateway' ? (differsThroughGateway ?? ofMessage) : ofSealing;
      const fault = difference(ofPlain, ofSealed, allowed ?? {});
      tell(fault === undefined);
      if (fault !== undefined) faults.push(`${question.method ?? 'GET'} ${name}: ${fault}`);
    }
  }
  if (faults.length > 0) throw new Error(`${faults.length} of ${asked} differ:\n${faults.join('\n')}`);
}

async function told(stack: Stack, twin: Twin, path: string, question: Question): Promise<Told> {
  const view = await twin.ask(path, question).catch((error: unknown) => `no answer: ${codeOf(error)}`);
  const log = await within(twin.logs.of(path).promise, 'what the handler saw', 1000).catch(() => [
    'not closed',
  ]);
  if (typeof view === 'string') return { failed: view, log };
  const bodiless = question.method === 'HEAD' || view.status === 204 || view.status === 304;
  return { ...view, log: stack.http2 && bodiless ? log.map(withoutError).sort() : log };
}

/**
 * What differs by nature is left out: the connections of a gateway are its own, interim answers are no part of a
 * message, and where a server only hangs up, a gateway says so.
 */
async function toldOfGateway({ ask }: Twin, path: string, question: Question): Promise<Told> {
  const view = await ask(path, question);
  if (typeof view === 'string') return { failed: view };
  const { informational: _, ...answer } = view;
  if (view.status === 502 && view.headers['sealwire'] === 'server-unreachable')
    return { failed: 'ECONNRESET' };
  const headers = Object.entries(view.headers).filter(([name]) => !ofConnection.has(name));
  return { ...answer, headers: Object.fromEntries(headers) };
}

/**
 * http2 ends a stream that has no body with its head, before its `finish`; a write then fails, for its callback only.
 * Sealed, every stream carries a message.
 */
function withoutError(entry: unknown): unknown {
  return Array.isArray(entry) && entry[1] === 'ERR_STREAM_WRITE_AFTER_END' ? [entry[0]] : entry;
}

function difference(plain: Told, sealed: Told, differs: Differs): string | undefined {
  const faults: string[] = [];
  const parts = plain.failed === sealed.failed ? { ...plain, ...sealed } : { failed: 1, log: 1 };
  for (const part of Object.keys(parts) as (keyof Told)[]) {
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
  if (isRecord(one) && isRecord(other)) {
    const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
    const parted = keys.filter((key) => !isDeepStrictEqual(one[key], other[key]));
    if (parted.length > 0) return parted.map((key) => `${key} ${inShort(one[key], other[key])}`).join(', ');
    return 'the order of keys';
  }
  return `${JSON.stringify(one)} is ${JSON.stringify(other)} sealed`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The application that answers `/<index>` with the case of that number. */
function mounted(
  kind: 'node' | 'express' | 'koa',
  answers: readonly unknown[],
  logs: Logs,
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
          return answer(
            req,
            res,
            watch(req, res, (log) => logs.of(req.originalUrl).resolve(log)),
            next,
          );
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
          return answer(
            ctx as Context,
            watch(ctx.req, ctx.res, (log) => logs.of(ctx.originalUrl).resolve(log)),
            next,
          );
        });
      },
    };
  }
  return {
    ...shared,
    listener(req, res) {
      const path = req.url as string;
      const log = watch(req, res, (log) => logs.of(path).resolve(log));
      try {
        (find(path) as NodeAnswer)(res, log, req);
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
  const wire = await WireClient.connect(server, undefined, askOver(transport));
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
    return viewSealed(answer, opener.opened, method);
  };
}
