/** Where a request goes, as its sealed head says. */
export interface Target {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  /** Path with query. */
  readonly path: string;
}

const forbiddenMethods = new Set(['CONNECT', 'TRACE', 'TRACK']);
// What the WHATWG URL serialiser leaves of a path and a query: no control, blank, quote, angle, backslash or hash.
const pathForm = /^\/(?!\/)[\x21\x24-\x3b\x3d\x40-\x5b\x5d-\x5f\x61-\x7a|~]*$/;
const queryForm = /^[\x21\x24-\x26\x28-\x3b\x3d\x3f-\x7e]*$/;
const dotSegment = /\/(?:\.|%2e){1,2}(?=\/|$)/i;

/** True if a sealed request may have this method and this path (docs/PROTOCOL.md, Target). */
export function isSoundTarget({ method, path }: Pick<Target, 'method' | 'path'>): boolean {
  if (forbiddenMethods.has(method.toUpperCase())) return false;
  const mark = path.indexOf('?');
  const pathname = mark < 0 ? path : path.slice(0, mark);
  return (
    pathForm.test(pathname) &&
    !dotSegment.test(pathname) &&
    (mark < 0 || queryForm.test(path.slice(mark + 1)))
  );
}

/** True if to execute a request twice is as good as once (RFC 9110, section 9.2.1). */
export function isSafeMethod(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

/** The method that a sealed method travels under. */
export function outerMethod(method: string): string {
  return method === 'HEAD' ? 'GET' : method;
}

/** What of the outer target differs from the sealed one, for the operator whose proxy changed it. */
export function targetDifference(
  inner: Pick<Target, 'method' | 'path'>,
  outer: { method: string; url: string },
): 'method' | 'path' | 'query' | undefined {
  if (outer.method !== outerMethod(inner.method)) return 'method';
  if (outer.url === inner.path) return undefined;
  const [innerPath, innerQuery] = splitQuery(inner.path);
  const [outerPath, outerQuery] = splitQuery(outer.url);
  if (normalise(innerPath) !== normalise(outerPath)) return 'path';
  // Of an empty query some platforms send the mark and some do not.
  if (normaliseEscapes(innerQuery.slice(1)) !== normaliseEscapes(outerQuery.slice(1))) return 'query';
  return undefined;
}

/**
 * The path, query included, without a prefix of whole segments, whose escapes may be spelt in any way; undefined if it
 * does not begin with that.
 */
export function withoutPrefix(path: string, prefix: string): string | undefined {
  const [pathname, query] = splitQuery(path);
  const segments = pathname.split('/');
  const { length } = prefix.split('/');
  const beginning = segments.slice(0, length).join('/');
  if (normaliseEscapes(beginning) !== normaliseEscapes(prefix)) return undefined;
  return `/${segments.slice(length).join('/')}${query}`;
}

function splitQuery(url: string): [path: string, query: string] {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark)];
}

/** RFC 3986, section 6.2.2: case of escapes, escaped unreserved characters, dot segments. */
function normalise(path: string): string {
  const segments: string[] = [];
  const parts = normaliseEscapes(path).split('/');
  parts.forEach((part, index) => {
    const last = index === parts.length - 1;
    if (part === '..') {
      if (segments.length > 1) segments.pop();
      if (last) segments.push('');
    } else if (part === '.') {
      if (last) segments.push('');
    } else {
      segments.push(part);
    }
  });
  return segments.join('/');
}

const unreserved = /^[A-Za-z0-9\-._~]$/;

function normaliseEscapes(text: string): string {
  return text.replace(/%[0-9a-fA-F]{2}/g, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return unreserved.test(character) ? character : encoded.toUpperCase();
  });
}
