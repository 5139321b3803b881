import { isOuterResponseField, messageType, reasonField } from '@sealwire/core';
import { fieldOf, type OpenedResponse } from '../wire-message.ts';
import type { Pair, RawAnswer } from './transport.ts';

/** What a client is told by an answer, in a form that can be compared. */
export interface View {
  readonly status: number;
  /** Fields that stand more often are joined, but for cookies. */
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly complete: boolean;
  readonly informational: readonly number[];
}

/** How the connection frames a message is the connection's business, also behind a proxy. */
const framing = new Set(['transfer-encoding']);

export function viewPlain(raw: RawAnswer): View {
  return view(raw, raw.headers, raw);
}

/** Inner fields, and of the outer ones those that the application may set. */
export function viewSealed(raw: RawAnswer, opened: OpenedResponse, method = 'GET'): View {
  const outer = raw.headers.filter(([name]) => isOuterResponseField(name)).flatMap(withoutSealwire);
  // The reason phrase is compared by what a fetch says of it (test/calls-like-fetch.test.ts).
  const headers = [...opened.fields.filter(([name]) => name !== reasonField), ...outer];
  const complete = opened.complete && raw.complete && (method === 'HEAD' || hasItsLength(opened));
  return view({ ...opened, complete, informational: raw.informational }, headers, opened);
}

/** A client counts what the head announces (docs/PROTOCOL.md, Head). */
function hasItsLength(opened: OpenedResponse): boolean {
  const length = fieldOf(opened, 'content-length');
  const exempt = opened.status === 204 || opened.status === 304;
  return length === undefined || exempt || Number(length) === opened.body.length;
}

export function isSealed({ headers }: RawAnswer): boolean {
  return headers.some(([name, value]) => name === 'content-type' && value === messageType);
}

function view(
  { status, body, complete, informational }: Omit<RawAnswer, 'headers' | 'trailers'>,
  headers: readonly Pair[],
  { trailers }: { trailers: readonly Pair[] },
): View {
  return {
    status,
    headers: table(headers.filter(([name]) => !framing.has(name))),
    trailers: table(trailers),
    body: shown(body),
    complete,
    informational,
  };
}

function table(pairs: readonly Pair[]): Record<string, string> {
  const values = new Map<string, string[]>();
  for (const [name, value] of pairs) values.set(name, [...(values.get(name) ?? []), value]);
  // The time of the answer is not the same; that there is one is.
  const joined = [...values].map(([name, list]) => [
    name,
    name === 'date' ? 'a date' : list.join(name === 'set-cookie' ? '\n' : ', '),
  ]);
  return Object.fromEntries(joined.sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)));
}

/** Every sealed answer says that it varies by `Sealwire`. */
function withoutSealwire([name, value]: Pair): Pair[] {
  if (name !== 'vary') return [[name, value]];
  const rest = value.replace(/(?:, )?Sealwire$/, '');
  return rest === '' ? [] : [[name, rest]];
}

/** Short bodies as they are, long ones so that a difference can still be read. */
function shown(body: Buffer): string {
  const text = body.toString('latin1');
  if (text.length <= 400) return text;
  let sum = 0;
  for (const byte of body) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return `${text.slice(0, 40)}… ${text.length} bytes, sum ${sum}`;
}
