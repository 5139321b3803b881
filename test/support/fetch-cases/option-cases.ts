import { type Call, calling, type MakeInit, named } from './call.ts';
import { observe } from './observe.ts';

const post = { method: 'POST', body: '{}' };

/** What a call may be told beside method and body. */
const options: Record<string, MakeInit> = {
  'fields in an object': () => ({ headers: { 'X-App-A': ' 1 ', accept: 'application/json' } }),
  'fields in pairs': () => ({ headers: [['x-app-a', '1'], ['x-app-a', '2'], ['Accept', 'a/b']] }), // biome-ignore format: one line shows them
  'fields in Headers': () => ({ headers: new Headers({ 'x-app-a': 'é', authorization: 'Bearer x' }) }),
  'a field without a value': () => ({ headers: { 'x-app-a': '' } }),
  'a field with a bad name': () => ({ headers: { 'x app': '1' } }),
  'a field with a bad value': () => ({ headers: { 'x-app-a': 'a\nb' } }),
  'fields that are no pairs': () => ({ headers: [['x-app-a']] as unknown as [string, string][] }),
  'a type of its own': () => ({ ...post, headers: { 'content-type': 'application/json' } }),
  'a length of its own': () => ({ ...post, headers: { 'content-length': '2' } }),
  'a range': () => ({ headers: { range: 'bytes=0-1' } }),
  'codings of its own': () => ({ headers: { 'accept-encoding': 'identity' } }),
  'languages of its own': () => ({ headers: { 'accept-language': 'de' } }),
  'a condition': () => ({ headers: { 'if-none-match': '"x"' } }),
  'a date of a condition': () => ({ headers: { 'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' } }),
  'fields that no caller sets': () => ({ headers: { te: 'trailers', via: '1.1 x', 'keep-alive': '1' } }),
  'no fields': () => ({ headers: {} }),
  'an undefined method': () => ({ method: undefined }) as unknown as RequestInit,
  'a method that is forbidden': () => ({ method: 'TRACE' }),
  'a method that is none': () => ({ method: 'A B' }),
  'an empty method': () => ({ method: '' }),
  ...each('cache', ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached', 'odd']),
  'cache no-cache beside a field': () => ({
    cache: 'no-cache',
    headers: { 'cache-control': 'no-transform' },
  }),
  'cache only-if-cached of the same origin': () => ({ cache: 'only-if-cached', mode: 'same-origin' }),
  ...each('credentials', ['omit', 'same-origin', 'include', 'odd']),
  ...each('mode', ['cors', 'same-origin', 'no-cors', 'navigate', 'odd']),
  ...each('redirect', ['follow', 'manual', 'error', 'odd']),
  ...each('keepalive', [true, false]),
  ...each('priority', ['high', 'low', 'auto']),
  ...each('referrer', ['', 'about:client', 'http://[']),
  'a referrer of its own': (origin) => ({ referrer: `${origin}/from` }),
  ...each('referrerPolicy', [
    'no-referrer',
    'origin',
    'unsafe-url',
    'strict-origin-when-cross-origin',
    'odd',
  ]),
  ...each('window', [null]),
  'keepalive with a body': () => ({ ...post, keepalive: true }),
  'keepalive with more than browsers keep': () => ({ ...post, body: 'x'.repeat(70_000), keepalive: true }),
  'no-cors with a body': () => ({ method: 'POST', body: 'x', mode: 'no-cors' }),
  'no-cors with a method that needs cors': () => ({ method: 'PUT', body: 'x', mode: 'no-cors' }),
  'right integrity': () => ({ integrity: `sha256-${ofStatus200}` }),
  'wrong integrity': () => ({ integrity: 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' }),
  'right and wrong integrity': () => ({ integrity: `sha256-${'A'.repeat(43)}= sha256-${ofStatus200}` }),
  'integrity by an unknown hash': () => ({ integrity: 'md5-AAAA' }),
  'integrity of HEAD': () => ({ method: 'HEAD', integrity: `sha256-${ofStatus200}` }),
};

/** Of "status 200". */
const ofStatus200 = 'QVgjPaEpasHb4LZsSy435nIlsXibR0LQEqUvYDvmBec=';

/** What stands behind the origin. */
const urls: Record<string, string> = {
  'no path': '',
  'a fragment': '/answer/200#part',
  'an empty query': '/answer/200?',
  'dots in the path': '/x/../answer/./200',
  'a path in UTF-8': '/answer/200?ü=ß&a b=%20',
  'a space behind it': '/answer/200 ',
  'a backslash': '\\answer\\200',
};

/** A case for each value of an option. */
function each(name: string, values: readonly unknown[]): Record<string, MakeInit> {
  return Object.fromEntries(
    values.map((value) => [`${name} ${JSON.stringify(value)}`, () => ({ [name]: value }) as RequestInit]),
  );
}

/** Options and their values, right and wrong, and ways to write a URL. */
export function optionCases(): Record<string, Call> {
  const cases = named(
    Object.fromEntries(
      Object.entries(options).map(([name, makeInit]) => [name, calling('/answer/200', makeInit)]),
    ),
  );
  for (const [name, url] of Object.entries(urls)) {
    cases[`a URL with ${name}`] = (fetcher, origin) => observe(() => fetcher(origin + url));
    cases[`a URL object with ${name}`] = (fetcher, origin) => observe(() => fetcher(new URL(origin + url)));
  }
  cases['a URL with a user'] = (fetcher, origin) =>
    observe(() => fetcher(`${origin.replace('://', '://user:word@')}/answer/200`));
  cases['something that is no URL'] = (fetcher) => observe(() => fetcher('http://['));
  return cases;
}
