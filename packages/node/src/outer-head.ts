import { type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type Field, isOuterResponseField, messageType } from '@sealwire/core';

/** Statuses that a browser or a proxy would act upon itself: they travel inside only. */
const actedUpon = new Set([401, 405, 407, 413, 421, 425, 431]);

/** The status that everyone on the path sees. */
export function outerStatus(status: number): number {
  const plainSuccess = status >= 200 && status < 300 && status !== 204 && status !== 205 && status !== 206;
  const plainFailure = status >= 400 && status < 600 && !actedUpon.has(status);
  return plainSuccess || plainFailure ? status : 200;
}

/** True if Node sends a body with this status (RFC 9110, section 6.4.1); over http2 none with 205 either. */
export function hasBody(status: number, http2: boolean): boolean {
  return status >= 200 && status !== 204 && status !== 304 && !(http2 && status === 205);
}

/** True for a field that stays outside. */
function isOuter(name: string, sealCookies: boolean): boolean {
  return isOuterResponseField(name) && !(sealCookies && name === 'set-cookie');
}

/** The fields of a head as the application set them, for the sealed head; those that stay outside are left out. */
export function sealedFields(
  headers: OutgoingHttpHeaders,
  sealCookies: boolean,
  ownProblem: boolean,
): Field[] {
  const fields: Field[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || isOuter(name, sealCookies)) continue;
    // The name is Sealwire's own; an application that copies an upstream's headers must not speak for it.
    if (name.startsWith('sealwire') && !ownProblem) continue;
    if (Array.isArray(value)) for (const each of value) fields.push([name, trimmed(String(each))]);
    else fields.push([name, typeof value === 'string' ? trimmed(value) : String(value)]);
  }
  return fields;
}

/** http2 takes any value: of a character it sends the low byte, and clients drop what has control characters. */
export function asHttp2Sends(fields: readonly Field[]): Field[] {
  return (
    fields
      .map(([name, value]): Field => [name, trimmed(Buffer.from(value, 'latin1').toString('latin1'))])
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
      .filter(([, value]) => !/[\x00-\x08\x0a-\x1f\x7f]/.test(value))
  );
}

/** How HTTP/1 keeps the headers of a response: name as it was set and value, by name in lower case. */
type HeaderTable = Record<string, readonly [name: string, value: OutgoingHttpHeaders[string]]>;

/** Where it keeps them; undefined on a Node that does so in another way. */
const tableKey = Object.getOwnPropertySymbols(new ServerResponse({ method: 'GET' } as never)).find(
  ({ description }) => description === 'kOutHeaders',
);

/** False over HTTP/1 as long as no header was set: what `writeHead` is given then, Node does not keep. */
export function keepsHeaders(res: ServerResponse): boolean {
  return tableKey === undefined || (res as unknown as Record<symbol, HeaderTable | null>)[tableKey] !== null;
}

export function forgetHeaders(res: ServerResponse): void {
  (res as unknown as Record<symbol, HeaderTable | null>)[tableKey as symbol] = null;
}

/**
 * Runs `writeHead`, which sends the head of a sealed message of the given length instead of the application's head.
 * Afterwards `getHeader` and its kin answer with what the application set.
 */
export function withOuterFields(
  res: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  sealCookies: boolean,
  length: number | undefined,
  writeHead: () => void,
): void {
  if (tableKey === undefined || !(tableKey in res) || 'stream' in res) {
    setOuterFields(res, headers, sealCookies, length);
    try {
      writeHead();
    } catch (error) {
      // Of what http2 refuses only now, the application makes another answer.
      restoreFields(res, headers);
      throw error;
    }
    // http2 counts the status among them.
    showHeaders(res, 'stream' in res ? { ...headers, ':status': status } : headers);
    return;
  }
  // For a moment another table takes the place of the application's: to change its own, and to shield it with methods
  // of the response's own afterwards, took as long as to seal the body.
  const tables = res as unknown as Record<symbol, HeaderTable | null>;
  const own = tables[tableKey] ?? null;
  tables[tableKey] = outerTable(own, sealCookies, length);
  try {
    writeHead();
  } finally {
    tables[tableKey] = own;
  }
}

function outerTable(own: HeaderTable | null, sealCookies: boolean, length: number | undefined): HeaderTable {
  const table: HeaderTable = Object.create(null);
  for (const name in own) {
    if (isOuter(name, sealCookies)) table[name] = own[name] as HeaderTable[string];
  }
  table['content-type'] = ['content-type', messageType];
  table['cache-control'] = ['cache-control', 'no-store, no-transform'];
  table.vary = ['vary', withSealwire(own?.vary?.[1])];
  if (length === undefined) return table;
  // One of the two frames a message, and this length is known.
  delete table['transfer-encoding'];
  table['content-length'] = ['content-length', length];
  return table;
}

/** The same through the methods of the response, for http2. */
function setOuterFields(
  res: ServerResponse,
  headers: OutgoingHttpHeaders,
  sealCookies: boolean,
  length: number | undefined,
): void {
  for (const name in headers) {
    if (!isOuter(name, sealCookies) && name !== 'content-type' && name !== 'cache-control')
      res.removeHeader(name);
  }
  res.setHeader('content-type', messageType);
  res.setHeader('cache-control', 'no-store, no-transform');
  res.setHeader('vary', withSealwire(headers.vary));
  if (length === undefined) return;
  // Node refuses it over http2.
  if (!('stream' in res)) res.removeHeader('transfer-encoding');
  res.setHeader('content-length', length);
}

function restoreFields(res: ServerResponse, headers: OutgoingHttpHeaders): void {
  for (const name of res.getHeaderNames()) if (!name.startsWith(':')) res.removeHeader(name);
  for (const name in headers) res.setHeader(name, headers[name] as string);
}

/** After the head was sent, `getHeader` and its kin answer with what the application set. */
function showHeaders(res: ServerResponse, headers: OutgoingHttpHeaders): void {
  res.getHeader = (name) => headers[name.toLowerCase()];
  res.hasHeader = (name) => headers[name.toLowerCase()] !== undefined;
  res.getHeaders = () => Object.assign(Object.create(null), headers);
  res.getHeaderNames = () => Object.keys(headers);
}

/** A `Vary` that names the header by which sealed and plaintext answers of one URL are told apart. */
export function withSealwire(vary: OutgoingHttpHeaders[string]): string {
  if (vary === undefined) return 'Sealwire';
  const names = Array.isArray(vary) ? vary.join(', ') : String(vary);
  return /(?:^|,)\s*(?:\*|sealwire)\s*(?:,|$)/i.test(names) ? names : `${names}, Sealwire`;
}

/** Blanks around a value are not part of it (RFC 9110, section 5.5), and a sealed head has none. */
export function trimmed(value: string): string {
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(value.length - 1);
  return first > 0x20 && last > 0x20 ? value : value.replace(/^[\t ]+|[\t ]+$/g, '');
}

type HeaderArgument = OutgoingHttpHeaders | readonly unknown[];

/**
 * Puts the headers that `writeHead` was called with, in any of its forms, into the response, as Node merges them.
 * Every name and value goes through `setHeader`, which throws Node's own errors.
 */
export function foldHeaders(res: ServerResponse, headers: HeaderArgument, keeps: boolean): void {
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers as OutgoingHttpHeaders)) {
      // Node leaves out a name that is empty, but only over HTTP/1 where headers were set before.
      if (name !== '' || !keeps || 'stream' in res) res.setHeader(name, value as string);
    }
    return;
  }
  const pairs = (Array.isArray(headers[0]) ? headers.flat() : headers) as string[];
  if (pairs.length % 2 !== 0) {
    throw Object.assign(new TypeError("The argument 'headers' is invalid."), {
      code: 'ERR_INVALID_ARG_VALUE',
    });
  }
  // An array replaces what was set before and may name a field more than once.
  for (let i = 0; i < pairs.length; i += 2) res.removeHeader(pairs[i] as string);
  for (let i = 0; i < pairs.length; i += 2) res.appendHeader(pairs[i] as string, pairs[i + 1] as string);
}
