import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FieldSet,
  isOuterRequestField,
  isOuterResponseField,
  meet,
  parseFieldList,
  sealedRequestFields,
} from '../src/fields.ts';
import { refusal, refusalCodeSync } from './support/refusal.ts';

const sealed = sealedRequestFields();

test('what only the application reads is sealed in requests', () => {
  for (const name of [
    'accept',
    'accept-language',
    'authorization',
    'content-type',
    'content-length',
    'content-encoding',
    'content-digest',
    'content-anything',
    'x-api-key',
    'idempotency-key',
    'if-match',
    'if-none-match',
    'if-modified-since',
    'range',
    'prefer',
    'last-event-id',
    'x-requested-with',
    'x-http-method-override',
    'digest',
    'repr-digest',
    'signature',
    'signature-input',
  ]) {
    assert.ok(sealed.has(name), name);
    assert.not.ok(isOuterRequestField(name), name);
  }
});

test('every field in which the common middleware looks for a CSRF token is sealed', () => {
  // csurf looks into the first four; the last is Django's, which front ends set by that name.
  for (const name of ['csrf-token', 'xsrf-token', 'x-csrf-token', 'x-xsrf-token', 'x-csrftoken']) {
    assert.ok(sealed.has(name), name);
  }
});

test('every field in which method-override looks is sealed', () => {
  for (const name of ['x-http-method', 'x-http-method-override', 'x-method-override']) {
    assert.ok(sealed.has(name), name);
  }
});

test('what a gateway, a hop or the platform sets is never sealed in requests', () => {
  for (const name of [
    'host',
    'connection',
    'cookie',
    'expect',
    'forwarded',
    'keep-alive',
    'origin',
    'proxy-authorization',
    'referer',
    'sec-fetch-site',
    'sealwire',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'via',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-real-ip',
    'x-user-id',
    'x-app-tenant',
  ]) {
    assert.not.ok(sealed.has(name), name);
  }
});

test('a response field is sealed unless the browser or a hop needs it', () => {
  for (const name of [
    'date',
    'server',
    'via',
    'vary',
    'connection',
    'transfer-encoding',
    'set-cookie',
    'access-control-allow-origin',
    'access-control-expose-headers',
    'content-security-policy',
    'strict-transport-security',
    'x-frame-options',
    'x-content-type-options',
    'referrer-policy',
    'cross-origin-resource-policy',
  ]) {
    assert.ok(isOuterResponseField(name), name);
  }
  for (const name of [
    'content-type',
    'content-length',
    'location',
    'etag',
    'cache-control',
    'x-total',
    'link',
    'retry-after',
  ]) {
    assert.not.ok(isOuterResponseField(name), name);
  }
});

test('a set knows names and beginnings of names', () => {
  const set = new FieldSet(['x-one', 'x-app-*']);
  for (const name of ['x-one', 'x-app-', 'x-app-a', 'x-app-a-b']) assert.ok(set.has(name), name);
  for (const name of ['x-ones', 'x-on', 'x-app', 'x-application', 'X-One', ''])
    assert.not.ok(set.has(name), name);
  assert.not.ok(new FieldSet([]).has('x'));
});

test('two entries meet exactly if some name is in both', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 });
  const entry = fc.tuple(letters, fc.boolean()).map(([name, open]) => (open ? `${name}*` : name));
  // Names long enough that any two prefixes of at most three letters that agree have one in common.
  const names = ['a', 'b'].flatMap(function grow(name: string): string[] {
    return name.length === 4 ? [name] : [name, ...grow(`${name}a`), ...grow(`${name}b`)];
  });
  fc.assert(
    fc.property(entry, entry, (one, other) => {
      const [first, second] = [new FieldSet([one]), new FieldSet([other])];
      assert.is(
        meet(one, other),
        names.some((name) => first.has(name) && second.has(name)),
      );
    }),
    { numRuns: 1000 },
  );
});

test('an application adds fields of its own, in any case', () => {
  assert.equal(parseFieldList([]), []);
  const list = parseFieldList(['X-Tenant', 'x-app-*', "x!#$%&'+-.^_`|~0"]);
  assert.equal(list, ['x-tenant', 'x-app-*', "x!#$%&'+-.^_`|~0"]);
  const both = sealedRequestFields(list);
  for (const name of ['x-tenant', 'x-app-region', 'content-type']) assert.ok(both.has(name), name);
  assert.not.ok(both.has('x-other'));
});

test('what must stay outside cannot be listed, by name or by a beginning that covers it', async () => {
  for (const entry of [
    ...[
      'connection',
      'keep-alive',
      'te',
      'trailer',
      'transfer-encoding',
      'upgrade',
      'proxy-authenticate',
      'proxy-*',
    ],
    ...[
      'host',
      'expect',
      'forwarded',
      'x-forwarded-for',
      'x-forwarded-*',
      'x-forwarded-new',
      'x-real-ip',
      'via',
    ],
    ...[
      'origin',
      'referer',
      'sec-fetch-site',
      'sec-*',
      'sealwire',
      'sealwire-time',
      'sealwire*',
      'cookie',
      'set-cookie',
    ],
    ...['x-*', 'x-f*', 'h*', 'ho*', 'host*', 'c*', 's*', 'seal*', 'proxy*', 'Host', 'X-Forwarded-For'],
  ]) {
    const error = await refusal(() => parseFieldList(['x-fine', entry]));
    assert.is(error.code, 'invalid-option', entry);
    assert.match(error.message, entry.toLowerCase());
  }
  assert.equal(parseFieldList(['x-fine']), ['x-fine']);
});

test('a field that travels in clear by nature cannot be listed: no field is sealed and outer', () => {
  for (const name of ['user-agent', 'dnt', 'cookie', 'origin', 'referer']) {
    assert.ok(isOuterRequestField(name), name);
    assert.is(
      refusalCodeSync(() => parseFieldList([name])),
      'invalid-option',
      name,
    );
  }
});

test('what is no field name cannot be listed', () => {
  for (const entry of [
    '',
    '*',
    '**',
    'x*y',
    'x y',
    'x:',
    ' x',
    'x\n',
    'é',
    'x,y',
    1,
    null,
    undefined,
    {},
    ['x'],
  ]) {
    assert.is(
      refusalCodeSync(() => parseFieldList([entry])),
      'invalid-option',
      JSON.stringify(entry),
    );
  }
  for (const list of [undefined, null, 'x-one', { 0: 'x-one' }, 1]) {
    assert.is(
      refusalCodeSync(() => parseFieldList(list)),
      'invalid-option',
      JSON.stringify(list),
    );
  }
});

test.run();
