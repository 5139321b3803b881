import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type Field, type FieldSet, type RequestHead, repeatField, SealwireError } from '@sealwire/core';

/** The field that carries server time as the client knows it; the application does not see it. */
const timeField = 'sealwire-time';
/** How far behind and ahead of the server a request may have been sealed, in milliseconds. */
const maxDelay = 120_000;
const maxLead = 30_000;
const timeForm = /^(?:0|[1-9][0-9]{0,15})$/;

/**
 * The fields of a sealed request that the application sees.
 * @throws SealwireError `malformed` without one time, `expired`, `field-not-allowed`
 */
export function checkFields(fields: readonly Field[], sealed: FieldSet, now: number): Field[] {
  const kept: Field[] = [];
  let time: string | undefined;
  for (const field of fields) {
    const [name, value] = field;
    if (name === timeField) {
      if (time !== undefined) throw new SealwireError('malformed');
      time = value;
    } else if (sealed.has(name)) {
      kept.push(field);
    } else if (name === repeatField) {
      // Read before the exchange was accepted.
    } else {
      throw new SealwireError('field-not-allowed', `The field is \`${name}\`.`);
    }
  }
  if (time === undefined || !timeForm.test(time)) throw new SealwireError('malformed');
  const sealedAt = Number(time);
  if (sealedAt < now - maxDelay || sealedAt > now + maxLead) throw new SealwireError('expired');
  return kept;
}

/**
 * Makes the request read as if the client had sent the sealed head: method, target, host and every sealed field come
 * from it, what a proxy added of those is gone, and exactly one field frames the body: a `content-length` among the
 * sealed fields, or `transfer-encoding` unless the body is `framed`, by that or by being empty.
 */
export function rewriteRequest(
  req: IncomingMessage,
  head: RequestHead,
  fields: readonly Field[],
  sealed: FieldSet,
  framed: boolean,
): void {
  const { rawHeaders } = req;
  const http2 = req.httpVersionMajor >= 2;
  const rewritten: string[] = [];
  let hostSeen = false;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const lower = name.toLowerCase();
    if (isDropped(lower, sealed)) continue;
    if (lower === 'host') {
      if (hostSeen) continue;
      hostSeen = true;
    }
    rewritten.push(name, outerValue(lower, rawHeaders[i + 1] as string, head));
  }
  if (!hostSeen && !http2) rewritten.push('host', head.authority);
  for (const [name, value] of fields) rewritten.push(name, value);
  if (!framed && !http2) rewritten.push('transfer-encoding', 'chunked');

  const headers = rewrittenHeaders(req, head, fields, sealed, framed);
  if (http2) {
    // Its accessors have no setters.
    replace(req.headers, headers);
    rawHeaders.splice(0, rawHeaders.length, ...rewritten);
  } else {
    req.rawHeaders = rewritten;
    req.headers = headers;
    if (countKey === undefined) {
      req.headersDistinct = distinctHeaders(rewritten);
    } else {
      // Node makes them when they are asked for, as it does of an outer head.
      (req as unknown as Record<symbol, number>)[countKey] = rewritten.length;
      req.headersDistinct = undefined as never;
    }
  }
  req.method = head.method;
}

/** The same of `req.headers`, from which what earlier middleware put there for the application is not lost. */
function rewrittenHeaders(
  req: IncomingMessage & { joinDuplicateHeaders?: boolean },
  head: RequestHead,
  fields: readonly Field[],
  sealed: FieldSet,
  framed: boolean,
): IncomingHttpHeaders {
  const http2 = req.httpVersionMajor >= 2;
  const headers: IncomingHttpHeaders = {};
  for (const name in req.headers) {
    if (isDropped(name, sealed)) continue;
    const value = req.headers[name];
    headers[name] = typeof value === 'string' ? outerValue(name, value, head) : value;
  }
  if (!http2) headers.host = head.authority;
  for (const [name, value] of fields) addHeader(headers, name, value, req.joinDuplicateHeaders);
  if (!framed && !http2) headers['transfer-encoding'] = 'chunked';
  return headers;
}

/** Where Node keeps how many of `rawHeaders` there are; undefined on one that does not. */
const countKey = Object.getOwnPropertySymbols(new IncomingMessage(null as never)).find(
  ({ description }) => description === 'kHeadersCount',
);

/** Makes the sealed trailers those of the request; outer ones are gone. */
export function setTrailers(req: IncomingMessage, trailers: readonly Field[]): void {
  if (trailers.length === 0 && req.rawTrailers.length === 0) return;
  const raw = trailers.flat();
  if (req.httpVersionMajor >= 2) {
    replace(req.trailers, joinHeaders(raw));
    req.rawTrailers.splice(0, req.rawTrailers.length, ...raw);
  } else {
    req.rawTrailers = raw;
    req.trailers = joinHeaders(raw) as NodeJS.Dict<string>;
    req.trailersDistinct = distinctHeaders(raw);
  }
}

/**
 * Fields in which gateways and libraries look for another target than the one of the request line, in no form that could
 * be rewritten. A client is not believed about them inside, and whoever is on the way not outside.
 */
const otherTargets = new Set([
  'front-end-https',
  'x-forwarded-method',
  'x-forwarded-path',
  'x-forwarded-prefix',
  'x-forwarded-protocol',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-forwarded-uri',
  'x-host',
  'x-http-host-override',
  'x-original-host',
  'x-original-method',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-url',
  'x-url-scheme',
]);

/** True for an outer field that the application does not see. */
function isDropped(name: string, sealed: FieldSet): boolean {
  if (name === 'transfer-encoding' || name === 'trailer' || name.startsWith('sealwire')) return true;
  return sealed.has(name) || otherTargets.has(name);
}

/** What an outer field says of the target is what the sealed head says of it. */
function outerValue(name: string, value: string, { scheme, authority, path, method }: RequestHead): string {
  switch (name) {
    case 'host':
    case ':authority':
    case 'x-forwarded-host':
      return authority;
    case ':scheme':
    case 'x-forwarded-proto':
      return scheme;
    case ':path':
      return path;
    case ':method':
      return method;
    case 'x-forwarded-port':
      return authority.match(/:([0-9]+)$/)?.[1] ?? (scheme === 'https' ? '443' : '80');
    case 'forwarded':
      return value
        .replace(/\bhost\s*=\s*(?:"(?:[^"\\]|\\.)*"?|[^;,\s]*)/gi, `host="${authority}"`)
        .replace(/\bproto\s*=\s*(?:"(?:[^"\\]|\\.)*"?|[^;,\s]*)/gi, `proto=${scheme}`);
    default:
      return value;
  }
}

// What Node does with a header that stands more than once (http.IncomingMessage, `message.headers`).
const firstOnly = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

function joinHeaders(raw: readonly string[]): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (let i = 0; i < raw.length; i += 2)
    addHeader(headers, (raw[i] as string).toLowerCase(), raw[i + 1] as string, false);
  return headers;
}

/** @param joinAll the server's option `joinDuplicateHeaders` */
function addHeader(
  headers: IncomingHttpHeaders,
  name: string,
  value: string,
  joinAll: boolean | undefined,
): void {
  const seen = headers[name];
  if (name === 'set-cookie') headers[name] = [...((seen as string[] | undefined) ?? []), value];
  else if (seen === undefined) headers[name] = value;
  else if (joinAll || !firstOnly.has(name))
    headers[name] = `${seen}${name === 'cookie' ? '; ' : ', '}${value}`;
}

function distinctHeaders(raw: readonly string[]): NodeJS.Dict<string[]> {
  const distinct: NodeJS.Dict<string[]> = Object.create(null);
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    const values = distinct[name];
    if (values === undefined) distinct[name] = [raw[i + 1] as string];
    else values.push(raw[i + 1] as string);
  }
  return distinct;
}

function replace(target: IncomingHttpHeaders, source: IncomingHttpHeaders): void {
  for (const name of Object.keys(target)) delete target[name];
  Object.assign(target, source);
}
