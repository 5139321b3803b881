// Whoever can write the manifest but does not know the passphrase cannot change anything.
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { fc } from '../../../test/support/properties.ts';
import { openKeyDirectory } from '../src/key-directory.ts';
import { canonicalJson, decodeManifest, encodeManifest } from '../src/manifest.ts';
import { Passphrase } from '../src/passphrase.ts';
import { isRingState } from '../src/ring-form.ts';
import type { RingState } from '../src/storage.ts';
import { example } from './support/folders.ts';
import { newKey, passphrase } from './support/keys.ts';
import { assertRefused } from './support/refused.ts';

const open = (folder: string) => openKeyDirectory(folder, { passphrase });
const phrase = new Passphrase(passphrase);
const salt = Buffer.alloc(32, 'salt').toString('base64url');

const { entry: xwing } = await newKey('MLKEM768-X25519', 'retiring');
const { entry: audit } = await newKey('HMAC-SHA256', 'destroyed');
const ring: RingState = {
  version: 1,
  revision: 7,
  seq: 12,
  signed: { '["https://a.test"]': { body: '{"payload":"…"}', iat: 1, exp: 2 } },
  entries: [
    { ...xwing, published: 3, promoted: 4, retired: 5, elsewhere: false, handshakes: 6 },
    { ...audit, disabled: 8, destroyed: 9, revoked: true },
  ],
};

it('every change of a value in the manifest is refused', async () => {
  const text = await encodeManifest({ salt, state: ring }, phrase);
  assert.equal(await decodeManifest(text, phrase, 'the manifest'), { salt, state: ring });
  const changed = new Set([...changes(JSON.parse(text))].map((value) => JSON.stringify(value)));
  // A text that begins with a B as it is, by chance.
  changed.delete(JSON.stringify(JSON.parse(text)));
  assert.ok(changed.size > 100, `${changed.size} changes`);
  for (const each of changed) {
    const problem = /does not authenticate|does not have the form/;
    await assertRefused(() => decodeManifest(each, phrase, 'the manifest'), 'the manifest', problem);
  }
});

/** The value with one thing in it changed, left out, doubled or added, wherever that can be. */
function* changes(value: unknown): Generator<unknown> {
  if (typeof value === 'number') yield* [value + 1, value - 1, String(value), value + 0.5];
  if (typeof value === 'string') yield* [`${value}A`, value.slice(1), `B${value.slice(1)}`, 1];
  if (typeof value === 'boolean') yield* [!value, null];
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    yield* [[...value, value[0]], [...value].reverse(), value.slice(1), {}];
    for (const [at, item] of value.entries()) for (const other of changes(item)) yield value.with(at, other);
    return;
  }
  yield* [{ ...value, more: 1 }, []];
  for (const [name, member] of Object.entries(value)) {
    const { [name]: _, ...rest } = value as Record<string, unknown>;
    yield rest;
    for (const other of changes(member)) yield { ...value, [name]: other };
  }
}

it('order and blanks of a manifest mean nothing', async () => {
  const text = await encodeManifest({ salt, state: ring }, phrase);
  const turned = JSON.stringify(
    JSON.parse(text, (_, value) => reversed(value)),
    undefined,
    8,
  );
  assert.is.not(turned, text);
  assert.equal((await decodeManifest(turned, phrase, 'the manifest')).state, ring);
});

function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).reverse());
}

it('different values never have the same canonical text', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, two) => {
      const [a, b] = [JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(two))];
      assert.equal(JSON.parse(canonicalJson(a)), a);
      assert.is(canonicalJson(a), canonicalJson(reversed(a)));
      if (canonicalJson(a) === canonicalJson(b)) assert.equal(a, b);
    }),
  );
});

it('a ring may have any subject among its signed configurations', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'binary' })), fc.string(), async (subjects, body) => {
      const signed = Object.fromEntries(subjects.map((subject) => [subject, { body, iat: 1, exp: 2 }]));
      const state = { ...ring, signed };
      fc.pre(isRingState(state));
      const text = await encodeManifest({ salt, state }, phrase);
      assert.equal((await decodeManifest(text, phrase, 'it')).state, state);
    }),
    { numRuns: 50 },
  );
});

it('a manifest that is cut short anywhere is refused', async () => {
  const { folder, storage } = await example();
  const path = join(folder, 'manifest.json');
  const { length } = await readFile(path);
  for (let end = length - 2; end >= 0; end -= 41) {
    await truncate(path, end);
    await assertRefused(() => storage.read(), path, /does not have the form/);
    await assertRefused(() => open(folder), path, /does not have the form/);
  }
});

it('a manifest that is far too large is not read', async () => {
  const { folder } = await example();
  const path = join(folder, 'manifest.json');
  await truncate(path, 2 ** 40);
  await assertRefused(() => open(folder), path, /has more than \d+ bytes/);
});

it('what is no JSON is refused and not quoted', async () => {
  const { folder } = await example();
  const path = join(folder, 'manifest.json');
  await writeFile(path, 'super secret');
  await assertRefused(() => open(folder), path, /does not have the form/, [Buffer.from('super secret')]);
});

test.run();
