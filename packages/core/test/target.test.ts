import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isSoundTarget, outerMethod, type Target, targetDifference, withoutPrefix } from '../src/target.ts';

const target = (path: string, method = 'GET'): Target => ({
  method,
  scheme: 'https',
  authority: 'api.example.com',
  path,
});
const sound = (path: string) => isSoundTarget(target(path));

test('what the WHATWG serialiser makes of any URL is sound', () => {
  const messy = fc.string({ unit: 'grapheme', maxLength: 30 });
  const ascii = fc.string({
    unit: fc.constantFrom(...Array.from({ length: 0x5f }, (_, i) => String.fromCharCode(0x20 + i))),
    maxLength: 30,
  });
  fc.assert(
    fc.property(fc.oneof(messy, ascii), fc.oneof(messy, ascii), (path, query) => {
      const url = new URL('https://api.example.com/');
      url.pathname = `/p${path}`;
      url.search = query;
      const serialised = url.pathname + url.search;
      assert.ok(sound(serialised), serialised);
    }),
    { numRuns: 2000 },
  );
});

test('a target begins with exactly one slash', () => {
  for (const path of ['/', '/a', '/a/', '/a//b', '/a/b.c/..d/.e', '/?', '/a?b=c&d', '/a?/../x'])
    assert.ok(sound(path), path);
  for (const path of ['', '*', 'a', '//', '//a', '?a', 'https://api.example.com/', 'api.example.com:443']) {
    assert.not.ok(sound(path), path);
  }
});

test('no target has a dot segment, however it is spelt', () => {
  for (const path of ['/...', '/.a', '/a.', '/..a', '/%2e%2e%2e', '/a%2e', '/.well-known/x', '/a?x=/../y']) {
    assert.ok(sound(path), path);
  }
  for (const dots of ['.', '..', '%2e', '%2E', '.%2e', '%2e.', '%2E%2e']) {
    for (const path of [
      `/${dots}`,
      `/${dots}/a`,
      `/a/${dots}`,
      `/a/${dots}/b`,
      `/a/${dots}?q`,
      `/a//${dots}/`,
    ]) {
      assert.not.ok(sound(path), path);
    }
  }
});

test('no path has a backslash, a fragment, a control character or a byte beyond ASCII', () => {
  for (const bad of [
    '\\',
    '#',
    ' ',
    '\t',
    '\r',
    '\n',
    '\0',
    '\x7f',
    '\x80',
    'é',
    '"',
    '<',
    '>',
    '`',
    '{',
    '}',
  ]) {
    assert.not.ok(sound(`/a${bad}b`), JSON.stringify(bad));
    assert.ok(sound(`/a${encodeURIComponent(bad) === bad ? 'x' : encodeURIComponent(bad)}b`));
  }
  for (const bad of ['#', ' ', '\t', '\r', '\n', '\0', '\x7f', '\x80', 'é', '"', '<', '>', "'"]) {
    assert.not.ok(sound(`/a?x=${bad}`), JSON.stringify(bad));
  }
  assert.not.ok(sound('/a\n'));
  assert.not.ok(sound('/a?b\n'));
});

test('CONNECT and TRACE are never sealed, in whatever case', () => {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    assert.ok(isSoundTarget(target('/', method)), method);
  }
  for (const method of ['CONNECT', 'TRACE', 'connect', 'Trace', 'TRACK']) {
    assert.not.ok(isSoundTarget(target('/', method)), method);
  }
});

test('HEAD travels as GET, every other method as itself', () => {
  assert.is(outerMethod('HEAD'), 'GET');
  for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) assert.is(outerMethod(method), method);
  const head = target('/a', 'HEAD');
  assert.is(targetDifference(head, { method: 'GET', url: '/a' }), undefined);
  assert.is(targetDifference(head, { method: 'HEAD', url: '/a' }), 'method');
});

const difference = (inner: string, url: string) => targetDifference(target(inner), { method: 'GET', url });

test('the difference between sealed and outer target is named', () => {
  assert.is(difference('/a?b', '/a?b'), undefined);
  assert.is(targetDifference(target('/a'), { method: 'POST', url: '/b?c' }), 'method');
  assert.is(difference('/a?b', '/c?d'), 'path');
  assert.is(difference('/a?b', '/a?d'), 'query');
  for (const [inner, outer, what] of [
    ['/a', '/a/', 'path'],
    ['/a', '/A', 'path'],
    ['/a/b', '/a%2Fb', 'path'],
    ['/a/b', '/a//b', 'path'],
    ['/a', '//a', 'path'],
    ['/a', '/prefix/a', 'path'],
    ['/a', '/a?b', 'query'],
    ['/a', '/a??', 'query'],
    ['/a?b=1&c=2', '/a?c=2&b=1', 'query'],
    ['/a?b', '/a?b&utm=1', 'query'],
    ['/a?b=%20', '/a?b=+', 'query'],
    ['/a?b=/x/../y', '/a?b=/y', 'query'],
  ] as const) {
    assert.is(difference(inner, outer), what, `${inner} and ${outer}`);
  }
});

test('targets that RFC 3986 calls the same are the same', () => {
  for (const [inner, outer] of [
    ['/a%2fb', '/a%2Fb'],
    ['/%7Euser', '/~user'],
    ['/a%2Db', '/a-b'],
    ['/b', '/a/../b'],
    ['/b', '/./b'],
    ['/b', '/../b'],
    ['/b/', '/b/.'],
    ['/', '/b/..'],
    ['/b', '/a/%2e%2E/b'],
    ['/a?x=%41', '/a?x=A'],
    ['/a?x=%e4', '/a?x=%E4'],
    ['/a', '/a?'],
  ] as const) {
    assert.is(difference(inner, outer), undefined, `${inner} and ${outer}`);
    assert.is(difference(outer, inner), undefined, `${outer} and ${inner}`);
  }
});

test('an escape that stands for a reserved character is not that character', () => {
  for (const [inner, outer] of [
    ['/a%3Fb', '/a?b'],
    ['/a%26b', '/a&b'],
    ['/a%252e', '/a%2e'],
    ['/a?x=%26', '/a?x=&'],
    ['/a?x=%2B', '/a?x=+'],
  ] as const) {
    assert.is.not(difference(inner, outer), undefined, `${inner} and ${outer}`);
  }
});

test('a sound path normalises like the WHATWG serialiser, so nobody is told apart by spelling alone', () => {
  const segment = fc.constantFrom('a', 'b.c', '.', '..', '%2e', '%2E.', 'x%2Fy', '~', '');
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
      const outer = `/p/${segments.join('/')}`;
      const inner = new URL(outer, 'https://api.example.com').pathname;
      if (sound(inner)) assert.is(difference(inner, outer), undefined, `${inner} and ${outer}`);
    }),
    { numRuns: 1000 },
  );
});

test('a prefix is taken away in whole segments, however its escapes are spelt', () => {
  for (const [path, prefix, rest] of [
    ['/api/x?q', '/api', '/x?q'],
    ['/api/', '/api', '/'],
    ['/api', '/api', '/'],
    ['/api?q=/api', '/api', '/?q=/api'],
    ['/a/b/c', '/a/b', '/c'],
    ['/api//x', '/api', '//x'],
    ['/%61p%69/x', '/api', '/x'],
    ['/%c3%bc/x', '/%C3%BC', '/x'],
    ['/api/api/x', '/api', '/api/x'],
  ] as const) {
    assert.is(withoutPrefix(path, prefix), rest, `${path} without ${prefix}`);
  }
  for (const [path, prefix] of [
    ['/apix/y', '/api'],
    ['/ap', '/api'],
    ['/', '/api'],
    ['/x?/api', '/api'],
    ['/API/x', '/api'],
    ['/a%2Fb/x', '/a/b'],
    ['/a', '/a/b'],
    ['//api/x', '/api'],
    ['/api?/v1/x', '/api/v1'],
  ] as const) {
    assert.is(withoutPrefix(path, prefix), undefined, `${path} without ${prefix}`);
  }
});

test.run();
