import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { fc } from '../../../test/support/properties.ts';
import { refusal } from '../../core/test/support/refusal.ts';
import { exportBundle, openBundle, openWrappedBundle, wrapBundle } from '../src/bundle.ts';
import type { KeyStorage } from '../src/storage.ts';
import { unwrapBytes, wrapBytes } from '../src/wrapped.ts';
import { directoryWith, example } from './support/folders.ts';
import { algorithms, destroying, type NewKey, newKey, passphrase } from './support/keys.ts';
import { assertRefused } from './support/refused.ts';

const decoded = (text: string) => Buffer.from(text, 'base64url');

/** A key service: it has one key, and encrypts other keys with it. */
function keyService() {
  const key = randomBytes(32);
  return {
    async wrap(dataKey: Uint8Array) {
      const cipher = createCipheriv('id-aes256-wrap', key, Buffer.alloc(8, 0xa6));
      return Buffer.concat([cipher.update(dataKey), cipher.final()]);
    },
    async unwrap(wrapped: Uint8Array) {
      const decipher = createDecipheriv('id-aes256-wrap', key, Buffer.alloc(8, 0xa6));
      return Buffer.concat([decipher.update(wrapped), decipher.final()]);
    },
  };
}

async function assertSameKeys(
  storage: KeyStorage,
  source: KeyStorage,
  keys: readonly NewKey[],
): Promise<void> {
  assert.is(storage.readOnly, true);
  assert.equal(await storage.read(), await source.read());
  for (const { entry, secret } of keys) {
    const copy = await storage.secret(entry);
    assert.equal(copy, secret);
    // The caller zeroes it, and that of the next caller is still there.
    copy.fill(0);
    assert.equal(await storage.secret(entry), secret);
  }
}

it('every key of a ring is in its bundle, encrypted, wrapped or neither', async () => {
  const keys = await Promise.all(algorithms.map((alg) => newKey(alg)));
  const { storage } = await directoryWith(...keys);
  await assertSameKeys(await openBundle(await exportBundle(storage)), storage, keys);
  const text = await exportBundle(storage, { passphrase });
  assert.match(text, /^[A-Za-z0-9_-]+$/);
  await assertSameKeys(await openBundle(`${text}\n`, { passphrase }), storage, keys);
  const { wrap, unwrap } = keyService();
  const opened = await openWrappedBundle(await wrapBundle(storage, { wrap }), { unwrap });
  await assertSameKeys(opened, storage, keys);
  // A bundle of a bundle.
  await assertSameKeys(await openBundle(await exportBundle(opened)), storage, keys);
});

it('a bundle holds no secret of a destroyed key', async () => {
  const { storage, key } = await example();
  await storage.update(destroying(key.entry.id));
  const text = await exportBundle(storage);
  assert.equal(JSON.parse(decoded(text).toString()).secrets, {});
  const opened = await openBundle(text);
  await assertRefused(() => opened.secret(key.entry), 'The key bundle', /lacks the secret/);
});

it('a key that is kept elsewhere is in a bundle without a secret', async () => {
  const { storage, key } = await example();
  const { entry } = await newKey('P-256');
  const elsewhere = { ...entry, elsewhere: true };
  await storage.update((state) => ({ state: { ...state, entries: [...state.entries, elsewhere] } }));
  const opened = await openBundle(await exportBundle(storage));
  assert.equal((await opened.read()).entries, [key.entry, elsewhere]);
  await assertRefused(() => opened.secret(elsewhere), 'The key bundle', /lacks the secret/);
});

it('a bundle cannot be changed, and does not change', async () => {
  const { storage } = await example();
  const opened = await openBundle(await exportBundle(storage));
  await assertRefused(() => opened.update(() => undefined), 'The key bundle', /cannot be changed/);
  opened.watch(() => assert.unreachable())();
});

it('what is no bundle is refused and not quoted', async () => {
  const { storage, key } = await example();
  const text = await exportBundle(storage);
  const bundle = JSON.parse(decoded(text).toString());
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  assert.is((await (await openBundle(encode(bundle))).read()).revision, 1);
  for (const wrong of [
    encode({ ...bundle, version: 2 }),
    encode({ ...bundle, more: 1 }),
    encode({ ...bundle, state: { ...bundle.state, revision: -1 } }),
    encode({ ...bundle, secrets: { x: 'AAAA' } }),
    encode({ ...bundle, secrets: { [key.entry.id]: '!' } }),
    encode({ ...bundle, secrets: [] }),
    encode([]),
    decoded(text).subarray(0, -8).toString('base64url'),
    'AAAA',
    '',
  ])
    await assertRefused(() => openBundle(wrong), 'The key bundle', /does not have the form/, [key.secret]);
  for (const wrong of [`${text}!`, `${text}=`, decoded(text).toString()])
    await assertRefused(() => openBundle(wrong), 'The key bundle', /no base64url/, [key.secret]);
});

it('what is not there, or of another type, is refused as such', async () => {
  const { storage } = await example();
  const unwrap = (key: Uint8Array) => key;
  const wrapped = await wrapBundle(storage, { wrap: (key) => key.slice() });
  for (const nothing of [undefined, null, 7, {}, [], new ArrayBuffer(32)] as unknown[] as never[]) {
    await assertRefused(() => openBundle(nothing), 'The key bundle', /is no text/);
    await assertRefused(() => openWrappedBundle(nothing, { unwrap }), 'wrapped key bundle', /no Uint8Array/);
    await assertRefused(() => wrapBundle(storage, { wrap: () => nothing }), 'wrapped key', /what wrap\(\)/);
    const opening = () => openWrappedBundle(wrapped, { unwrap: () => nothing });
    await assertRefused(opening, 'wrapped key bundle', /what unwrap\(\)/);
    for (const options of [nothing, { wrap: nothing, unwrap: nothing } as never]) {
      for (const act of [() => wrapBundle(storage, options), () => openWrappedBundle(wrapped, options)])
        assert.is((await refusal(act)).code, 'invalid-option');
    }
  }
});

it('a secret under the id of another key is refused when it is asked for', async () => {
  const [one, two] = [await newKey('X25519'), await newKey('X25519')];
  const { storage } = await directoryWith(one, two);
  const bundle = JSON.parse(decoded(await exportBundle(storage)).toString());
  bundle.secrets[one.entry.id] = bundle.secrets[two.entry.id];
  const opened = await openBundle(Buffer.from(JSON.stringify(bundle)).toString('base64url'));
  assert.equal(await opened.secret(two.entry), two.secret);
  await assertRefused(() => opened.secret(one.entry), 'The key bundle', /does not hold/, [two.secret]);
});

it('each kind of bundle is opened in its way only', async () => {
  const { storage } = await example();
  const { wrap, unwrap } = keyService();
  const open = await exportBundle(storage);
  const encrypted = await exportBundle(storage, { passphrase });
  const wrapped = await wrapBundle(storage, { wrap });
  const wrappedText = Buffer.from(wrapped).toString('base64url');
  const place = 'key bundle';
  await assertRefused(() => openBundle(open, { passphrase }), place, /is not encrypted, but there is a/);
  await assertRefused(() => openBundle(encrypted), place, /is encrypted/);
  await assertRefused(() => openBundle(encrypted, { passphrase: `${passphrase}!` }), place, /does not/);
  for (const options of [{}, { passphrase }])
    await assertRefused(() => openBundle(wrappedText, options), place, /openWrappedBundle/);
  await assertRefused(() => openWrappedBundle(decoded(encrypted), { unwrap }), place, /openBundle\(\)/);
  await assertRefused(() => openWrappedBundle(decoded(open), { unwrap }), place, /does not have the form/);
});

it('no octet of an encrypted or wrapped bundle can be changed, and none may be missing', async () => {
  const { storage, key } = await example();
  const { wrap, unwrap } = keyService();
  const wrapped = Buffer.from(await wrapBundle(storage, { wrap }));
  await openWrappedBundle(wrapped, { unwrap });
  for (let at = 0; at < wrapped.length; at++) {
    const changed = Buffer.from(wrapped);
    changed[at] = (changed[at] as number) ^ 1;
    for (const wrong of [changed, wrapped.subarray(0, at)])
      await assertRefused(
        () => openWrappedBundle(wrong, { unwrap }),
        'The wrapped key bundle',
        /does not|cannot be unwrapped|is encrypted with a passphrase/,
        at % 100 === 0 ? [key.secret] : [],
      );
  }
  const longer = Buffer.concat([wrapped, Buffer.alloc(1)]);
  await assertRefused(() => openWrappedBundle(longer, { unwrap }), 'bundle', /does not authenticate/);

  const encrypted = decoded(await exportBundle(storage, { passphrase }));
  const markLength = 'sealwire/1 wrapped'.length + 4;
  // The key that the passphrase wraps has its parameters first: see the tests of key files.
  for (let at = encrypted.length - 400; at < encrypted.length; at++) {
    const changed = Buffer.from(encrypted);
    changed[at] = (changed[at] as number) ^ 1;
    const text = changed.toString('base64url');
    await assertRefused(() => openBundle(text, { passphrase }), 'The key bundle', /does not/);
  }
  assert.is(encrypted[markLength], 0x30);
});

it('what a key service does wrong is said', async () => {
  const { storage, key } = await example();
  const { wrap, unwrap } = keyService();
  const wrapped = await wrapBundle(storage, { wrap });
  const denied = new Error('AccessDenied');
  const place = 'The wrapped key bundle';
  const error = await refusal(() => openWrappedBundle(wrapped, { unwrap: () => Promise.reject(denied) }));
  assert.is(error.cause, denied);
  for (const [problem, wrong] of [
    [/cannot be unwrapped.*may it be used/, () => Promise.reject(denied)],
    [/cannot be unwrapped/, keyService().unwrap],
    [/not unwrapped to a 32-byte key/, async () => new Uint8Array(31)],
    [/not unwrapped to a 32-byte key/, async () => 'x'.repeat(32) as never],
    [/not unwrapped to a 32-byte key/, async () => undefined as never],
    [/does not authenticate/, async () => randomBytes(32)],
  ] as const)
    await assertRefused(() => openWrappedBundle(wrapped, { unwrap: wrong }), place, problem, [key.secret]);
  for (const length of [0, 16_385])
    await assertRefused(
      () => wrapBundle(storage, { wrap: () => new Uint8Array(length) }),
      'The wrapped key',
      new RegExp(`has ${length} bytes`),
    );
  assert.is((await (await openWrappedBundle(wrapped, { unwrap })).read()).revision, 1);
});

it('a key service that does not answer is not waited for for ever', async () => {
  const { storage } = await example();
  const wrapped = await wrapBundle(storage, { wrap: keyService().wrap });
  const never = () => new Promise<never>(() => {});
  const error = await refusal(() => openWrappedBundle(wrapped, { unwrap: never }));
  assert.match(error.message, /cannot be unwrapped/);
  assert.match((error.cause as Error).message, /too long/);
});

it('a key to be wrapped is zeroed afterwards, and so is one that was unwrapped', async () => {
  const { storage } = await example();
  const handed: Uint8Array[] = [];
  const wrapped = await wrapBundle(storage, {
    wrap(key) {
      handed.push(key);
      return key.slice();
    },
  });
  await openWrappedBundle(wrapped, {
    unwrap(key) {
      handed.push(key);
      return key;
    },
  });
  assert.is(handed.length, 2);
  for (const key of handed) assert.equal([...key], Array(32).fill(0));
});

it('whatever is wrapped comes back, and nothing else is ever taken for it', async () => {
  const octets = (maxLength: number) => fc.uint8Array({ maxLength });
  const cases = [octets(500), fc.uint8Array({ minLength: 1, maxLength: 40 }), octets(120)] as const;
  await fc.assert(
    fc.asyncProperty(...cases, async (plaintext, tail, other) => {
      const wrap = (key: Uint8Array) => Buffer.concat([key, tail]);
      const unwrap = (wrapped: Uint8Array) => wrapped.slice(0, 32);
      const bytes = await wrapBytes(plaintext, 'function', wrap);
      assert.equal(Buffer.from(await unwrapBytes(bytes, 'it', unwrap)), Buffer.from(plaintext));
      await assertRefused(() => unwrapBytes(other, 'it', unwrap), 'it', /does not have the form/);
    }),
    { numRuns: 60 },
  );
});

test.run();
