import { Ajv } from 'ajv';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isSealwireError } from '../src/errors.ts';
import { parseJson } from '../src/json.ts';
import * as schemas from '../src/schemas.ts';
import * as compiled from '../src/validators.js';
import * as web from '../src/validators.web.ts';
import { payloadWith } from './support/configurations.ts';
import { refusalCodeSync } from './support/refusal.ts';
import { jsonBytes } from './support/sessions.ts';

type Name = keyof typeof schemas;
const names = Object.keys(schemas) as Name[];
type Validators = Record<Name, (value: unknown) => boolean>;

/** What Node judges by, and what browsers do. */
const platforms: Record<string, Validators> = {
  Node: compiled as unknown as Validators,
  browsers: web,
};

function onBoth(name: string, run: (valid: Validators) => void): void {
  for (const [platform, valid] of Object.entries(platforms)) test(`${name} (${platform})`, () => run(valid));
}

const b32 = 'A'.repeat(43);
const key = { kid: b32, kem: 32, pub: 'AAAA', suites: ['002000010002'], nbf: 0, exp: 1 };
const good: Record<Name, Record<string, unknown>> = {
  jws: { payload: 'AAAA', signatures: [{ protected: 'AA', signature: '-_' }] },
  configuration: { ...payloadWith(), keys: [key] },
  handshakeRequest: { v: 1, kid: b32, suite: '647a00010002', enc: 'AA', sealed: 'AA' },
  hello: { eph: 'AA', time: 0, client: { alg: 'ES256', pub: 'AA', sig: 'AA' } },
  handshakeReply: { v: 1, enc: 'AA', sealed: 'AA' },
  welcome: { v: 1, sid: 'A'.repeat(22), expires: 2 ** 53 - 1, idle: 0, time: 1 },
};

const others: readonly unknown[] = [
  null,
  true,
  0,
  1,
  2,
  -1,
  0.5,
  2 ** 53,
  '',
  ' ',
  'ä',
  'AA=',
  'A+',
  '0',
  [],
  [[]],
  {},
];

/** Paths of every value inside a message. */
function* paths(
  value: unknown,
  path: readonly (string | number)[] = [],
): Generator<readonly (string | number)[]> {
  if (path.length > 0) yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    yield* paths(inner, [...path, Array.isArray(value) ? Number(name) : name]);
  }
}

/** A copy in which the value at a path is another, or gone, or has a neighbour. */
function edited(
  message: unknown,
  path: readonly (string | number)[],
  edit: (parent: Record<string, unknown>, name: string) => void,
): unknown {
  const copy = structuredClone(message);
  let parent = copy as Record<string, unknown>;
  for (const step of path.slice(0, -1)) parent = parent[step] as Record<string, unknown>;
  edit(parent, String(path.at(-1)));
  return copy;
}

onBoth('a message of each kind is taken, and so is one without what is optional', (valid) => {
  assert.equal(names.sort(), Object.keys(good).sort());
  for (const name of names) assert.ok(valid[name](good[name]), name);
  const { eph, time } = good.hello;
  assert.ok(valid.hello({ eph, time }));
  assert.ok(valid.configuration({ ...good.configuration, aud: [], fields: [], keys: [] }));
});

onBoth('a message with a member more is refused, at every level', (valid) => {
  for (const name of names) {
    const objects = [[], ...paths(good[name])].filter((path) => {
      let value: unknown = good[name];
      for (const step of path) value = (value as Record<string, unknown>)[step];
      return typeof value === 'object' && !Array.isArray(value);
    });
    assert.ok(objects.length > 0);
    for (const path of objects) {
      for (const extra of ['more', '', 'V', '__proto__', 'constructor']) {
        const copy = edited(good[name], [...path, extra], (parent, member) => {
          Object.defineProperty(parent, member, {
            value: 1,
            enumerable: true,
            configurable: true,
            writable: true,
          });
        });
        assert.not.ok(valid[name](copy), `${name} with ${[...path, extra].join('.')}`);
      }
    }
  }
});

onBoth('a message with a member less is refused, unless it is optional', (valid) => {
  for (const name of names) {
    for (const path of paths(good[name])) {
      if (typeof path.at(-1) === 'number') continue;
      const copy = edited(good[name], path, (parent, member) => delete parent[member]);
      assert.is(
        valid[name](copy),
        name === 'hello' && path.join('.') === 'client',
        `${name} without ${path.join('.')}`,
      );
    }
  }
});

onBoth('a message that is no object is refused', (valid) => {
  for (const name of names) {
    for (const value of [...others, undefined, [good[name]]]) assert.not.ok(valid[name](value), name);
  }
});

onBoth('a value of another type is refused at every place', (valid) => {
  for (const name of names) {
    for (const path of paths(good[name])) {
      for (const value of [null, true, {}, 0.5, -1, 'ä ']) {
        const where = path.join('.');
        // Lists of names are read by those who know what a name is.
        if (typeof value === 'string' && /^(aud|fields)\.\d$/.test(where)) continue;
        const copy = edited(good[name], path, (parent, member) => {
          parent[member] = value;
        });
        assert.not.ok(valid[name](copy), `${name}: ${where} = ${JSON.stringify(value)}`);
      }
    }
  }
});

onBoth('texts have exactly the lengths and alphabets of the protocol', (valid) => {
  const request = (changes: object) => valid.handshakeRequest({ ...good.handshakeRequest, ...changes });
  assert.ok(request({ kid: `${'-_'.repeat(21)}A`, enc: 'A-_z9' }));
  for (const kid of [b32.slice(1), `${b32}A`, `${b32.slice(1)}=`, `${b32.slice(1)}+`, `${b32}\n`, ` ${b32}`])
    assert.not.ok(request({ kid }));
  for (const suite of ['', '647A00010002', '647a0001000', '647a000100020', '647a0001000g', '647a00010002\n'])
    assert.not.ok(request({ suite }));
  for (const enc of ['', 'A=', 'A/', 'A A', 'A\n', 'é']) assert.not.ok(request({ enc }));
  const sid = (value: string) => valid.welcome({ ...good.welcome, sid: value });
  assert.ok(sid(`${'-'.repeat(21)}w`));
  for (const value of ['A'.repeat(21), 'A'.repeat(23), `${'A'.repeat(21)}.`, `${'A'.repeat(22)}\n`])
    assert.not.ok(sid(value));
});

onBoth('numbers and lists have exactly the bounds of the protocol', (valid) => {
  const welcome = (expires: unknown) => valid.welcome({ ...good.welcome, expires });
  for (const number of [0, 2 ** 53 - 1]) assert.ok(welcome(number));
  for (const number of [-1, 2 ** 53, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '1'])
    assert.not.ok(welcome(number));
  const kem = (id: number) => valid.configuration({ ...good.configuration, keys: [{ ...key, kem: id }] });
  assert.ok(kem(0xffff));
  assert.not.ok(kem(0x10000));
  const signatures = (count: number) =>
    valid.jws({ payload: 'AAAA', signatures: Array(count).fill({ protected: 'AA', signature: 'AA' }) });
  assert.equal([0, 1, 4, 5].map(signatures), [false, true, true, false]);
});

onBoth('every message is judged as ajv judges it by the same schemas', (valid) => {
  const ajv = new Ajv({
    strict: true,
    schemas: Object.entries(schemas).map(([$id, schema]) => ({ $id, ...schema })),
  });
  const place = (name: Name) => fc.constantFrom(...[...paths(good[name])]);
  const edit = (name: Name) =>
    fc
      .tuple(place(name), fc.oneof(fc.constantFrom(...others), fc.jsonValue()))
      .map(([path, value]) => ({ path, value }));
  for (const name of names) {
    fc.assert(
      fc.property(fc.array(edit(name), { maxLength: 3 }), fc.boolean(), (edits, drop) => {
        let message: unknown = good[name];
        for (const { path, value } of edits) {
          try {
            message = edited(message, path, (parent, member) => {
              if (drop) delete parent[member];
              else parent[member] = value;
            });
          } catch {
            // An earlier edit took that place away.
          }
        }
        // As it would arrive: in JSON an item that was taken away leaves null.
        message = JSON.parse(JSON.stringify(message));
        assert.is(valid[name](message), ajv.validate(name, message), JSON.stringify(message));
      }),
      { numRuns: 300 },
    );
  }
});

onBoth('JSON is read as long as it is short enough, UTF-8 and of the form', (valid) => {
  const parse = (bytes: Uint8Array, length = 100) =>
    parseJson(bytes, length, valid.handshakeReply, 'malformed');
  const bytes = jsonBytes(good.handshakeReply);
  assert.equal(parse(bytes), good.handshakeReply);
  assert.equal(parse(bytes, bytes.length), good.handshakeReply);
  assert.is(
    refusalCodeSync(() => parse(bytes, bytes.length - 1)),
    'malformed',
  );
  for (const other of [
    '',
    '{',
    'undefined',
    `${Buffer.from(bytes)}}`,
    '{"v":1,"enc":"AA","sealed":"A\u0000"}',
  ]) {
    assert.is(
      refusalCodeSync(() => parse(Buffer.from(other))),
      'malformed',
    );
  }
  for (const other of [
    Uint8Array.of(0xc3, 0x28),
    Uint8Array.of(0xff, 0xfe),
    Uint8Array.of(0xed, 0xa0, 0x80),
  ]) {
    assert.is(
      refusalCodeSync(() => parse(other)),
      'malformed',
    );
  }
});

onBoth('whatever bytes are read as JSON, the error is typed', (valid) => {
  const texts = names.map((name) => JSON.stringify(good[name]));
  const mutated = fc
    .tuple(fc.constantFrom(...texts), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 5 }))
    .map(([text, edits]) => {
      const bytes = Buffer.from(text);
      for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
      return new Uint8Array(bytes);
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array()), fc.constantFrom(...names), (bytes, name) => {
      try {
        parseJson(bytes, 10_000, valid[name], 'malformed');
      } catch (error) {
        assert.ok(isSealwireError(error, 'malformed'), String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test.run();
