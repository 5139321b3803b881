import { type Field, FieldSet, isOuterRequestField, SealwireError } from '@sealwire/core';
import { unlessAborted } from './abort.ts';
import { type Body, bodyLength, collected, extractBody, extractRequestBody } from './body.ts';
import { acceptedCodings } from './codings.ts';
import type { Watch } from './inspect.ts';
import { isBrowser, sendsStreams } from './platform.ts';

export interface Progress {
  /** Bytes of the body so far, in plaintext. */
  readonly loaded: number;
  /** All of them, where that is known. */
  readonly total: number | undefined;
}

export interface SealedRequestInit extends RequestInit {
  duplex?: 'half';
  /** Node's fetch (undici) takes a dispatcher. */
  dispatcher?: unknown;
  onUploadProgress?: (progress: Progress) => void;
  onDownloadProgress?: (progress: Progress) => void;
}

/** The options of a call. A signal may be there and undefined, as the types of libraries have it (tRPC's `FetchEsque`). */
export interface SealedCallInit extends Omit<SealedRequestInit, 'signal'> {
  signal?: AbortSignal | null | undefined;
}

/** A call after its arguments were understood, before it is sealed; redirects make further plans of it. */
export interface Plan {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  /** What the platform would tell beside them, were the request not sealed. */
  readonly defaults: readonly Field[];
  readonly body: Body;
  readonly redirect: RequestRedirect;
  readonly signal: AbortSignal | undefined;
  readonly integrity: string;
  /** What the platform's fetch is told beside what is sealed. */
  readonly platform: RequestInit;
  readonly onUploadProgress: SealedRequestInit['onUploadProgress'];
  readonly onDownloadProgress: SealedRequestInit['onDownloadProgress'];
  /** Where somebody inspects. */
  readonly watch?: Watch;
}

/** Members that mean the same outside as inside. */
const passedOn = [
  'credentials',
  'dispatcher',
  'keepalive',
  'mode',
  'priority',
  'referrer',
  'referrerPolicy',
  'window',
] as const;

/**
 * What a Request reports as its default, and cannot be given to the platform again; and a mode for what nobody may
 * read, in which the platform would leave the `Sealwire` header out.
 */
const notPassedOn = new Set<unknown>(['navigate', 'about:client', 'no-cors']);

/** Methods that the fetch standard writes in upper case whatever the caller wrote. */
const normalisedMethods = /^(?:delete|get|head|options|post|put)$/i;

/** Understands the arguments of a call as `new Request(input, init)` would. @throws TypeError as that does */
export async function makePlan(input: RequestInfo | URL, init: SealedRequestInit, url: URL): Promise<Plan> {
  const request = isRequest(input) ? input : undefined;
  const from = <K extends keyof RequestInit>(name: K) =>
    init[name] === undefined ? (request as RequestInit | undefined)?.[name] : init[name];
  const method = from('method') ?? 'GET';
  checkValues(init, method, url);
  const headers = new Headers(init.headers ?? request?.headers);
  const signal = from('signal') ?? undefined;
  const body = await unlessAborted(planBody(init, request, signal), signal);
  const bodiless = method.toUpperCase() === 'GET' || method.toUpperCase() === 'HEAD';
  if (bodiless && body.kind !== 'none') throw new TypeError('Request with GET/HEAD method cannot have body.');
  if (body.kind !== 'none' && body.type !== undefined && !headers.has('content-type')) {
    headers.set('content-type', body.type);
  }
  setCacheFields(headers, from('cache'));
  const codings = headers.get('accept-encoding');
  if (codings !== null) headers.set('accept-encoding', acceptedCodings(codings));

  const platform: Record<string, unknown> = {};
  for (const name of passedOn) {
    const value = from(name as keyof RequestInit);
    if (value !== undefined && !notPassedOn.has(value)) platform[name] = value;
  }
  return {
    url,
    method: normalisedMethods.test(method) ? method.toUpperCase() : method,
    headers,
    defaults: platformFields(headers),
    body,
    redirect: from('redirect') ?? 'follow',
    signal,
    integrity: from('integrity') ?? '',
    platform: platform as RequestInit,
    onUploadProgress: init.onUploadProgress,
    onDownloadProgress: init.onDownloadProgress,
  };
}

/** @throws TypeError for values that the platform would refuse, of members that it is not told as they are */
function checkValues({ cache, mode, redirect }: SealedRequestInit, method: string, url: URL): void {
  if ((cache ?? mode ?? redirect) !== undefined)
    new Request(url, { method, cache, mode, redirect } as RequestInit);
}

/** The `url` of a Request, also of another realm or copy. */
export function isRequest(input: RequestInfo | URL): input is Request {
  return typeof input === 'object' && 'url' in input && 'headers' in input;
}

async function planBody(
  init: SealedRequestInit,
  request: Request | undefined,
  signal: AbortSignal | undefined,
): Promise<Body> {
  const body = await givenBody(init, request);
  if (body.kind !== 'stream' || sendsStreams()) return body;
  return { kind: 'blob', blob: await collected(body.stream, signal) };
}

async function givenBody(init: SealedRequestInit, request: Request | undefined): Promise<Body> {
  if (init.body === undefined || init.body === null) {
    if (request === undefined) return { kind: 'none' };
    if (request.bodyUsed) throw new TypeError('Cannot use a Request whose body was used already.');
    return extractRequestBody(request);
  }
  const body = await extractBody(init.body);
  if (body.kind === 'stream' && init.duplex !== 'half') {
    throw new TypeError("RequestInit: duplex option is required when sending a body: duplex: 'half'.");
  }
  return body;
}

/** Nothing sealed is ever cached; what a cache mode tells the server is told inside (fetch standard, 4.5). */
function setCacheFields(headers: Headers, cache: RequestCache | undefined): void {
  if (cache === 'only-if-cached') throw new TypeError('A sealed response is never cached.');
  if (cache === 'no-cache' && !headers.has('cache-control')) headers.set('cache-control', 'max-age=0');
  if (cache === 'no-store' || cache === 'reload') {
    if (!headers.has('pragma')) headers.set('pragma', 'no-cache');
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-cache');
  }
}

/** Fetch standard, "forbidden request-header": what a caller cannot set, but for what travels outside anyway. */
const forbidden = new FieldSet([
  'accept-charset',
  'access-control-request-*',
  'connection',
  'cookie2',
  'date',
  'expect',
  'host',
  'keep-alive',
  'proxy-*',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
]);

/** The fields of a plan, each on its side. */
export interface SplitFields {
  readonly sealed: Field[];
  readonly outer: [string, string][];
}

/**
 * Puts each field on the side where it belongs, and those beside the caller's that the server would get from the
 * platform if the request were not sealed.
 * @throws SealwireError `field-not-listed`
 */
export function splitFields(plan: Plan, sealedFields: FieldSet, outerFields: FieldSet): SplitFields {
  const sealed: Field[] = [];
  const outer: [string, string][] = [];
  for (const [name, value] of plan.headers) {
    if (sealedFields.has(name)) {
      if (name !== 'content-length') sealed.push([name, value]);
    } else if (isOuterRequestField(name) || outerFields.has(name)) outer.push([name, value]);
    // Listed neither here nor there, these go nowhere: browsers drop them without a word.
    else if (!forbidden.has(name)) throw new SealwireError('field-not-listed', `The field is \`${name}\`.`);
  }
  for (const field of plan.defaults) if (!plan.headers.has(field[0])) sealed.push(field);
  const length = bodyLength(plan.body);
  const mayHaveBody = plan.method === 'POST' || plan.method === 'PUT' || plan.method === 'PATCH';
  if (length !== undefined && (length > 0 || mayHaveBody || plan.body.kind !== 'none')) {
    sealed.push(['content-length', String(length)]);
  }
  return { sealed, outer };
}

/** Fetch standard, "fetch" and "HTTP-network-or-cache fetch". */
function platformFields(headers: Headers): Field[] {
  const languages = acceptLanguage();
  return [
    ['accept', '*/*'],
    ...(languages === undefined ? [] : [['accept-language', languages] as const]),
    // A range of an encoding is of no use.
    ['accept-encoding', headers.has('range') ? 'identity' : 'gzip, deflate'],
  ];
}

/** What a browser says itself, in pages and in workers: its languages with falling weight. Others say `*`. */
function acceptLanguage(): string {
  // Newer versions of Node have some, too, which its fetch does not tell.
  const languages = isBrowser() ? navigator.languages : [];
  if (languages.length === 0) return '*';
  return languages
    .slice(0, 9)
    .map((language, index) => (index === 0 ? language : `${language};q=0.${10 - index}`))
    .join(',');
}
