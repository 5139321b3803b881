import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ErrorCode, SealwireError } from '../src/errors.ts';
import { beginHandshake } from '../src/handshake-client.ts';
import { answerHandshake } from '../src/handshake-server.ts';
import { MemorySessionStore } from '../src/memory-store.ts';
import type { Maybe } from '../src/primitives.ts';
import { type Suite, suites } from '../src/suites.ts';
import { refusalCode } from './support/refusal.ts';
import { createKey, jsonBytes, parseJsonBytes, RecordingStore, serverWith } from './support/sessions.ts';
import { toHex } from './support/vectors.ts';

// What a server makes of the body of a handshake, before and without opening the hello.

const now = 1_700_000_000_000;
const [xwing, x25519, p256] = suites as [Suite, Suite, Suite];
const b64u = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
type Request = Record<'v' | 'kid' | 'suite' | 'enc' | 'sealed', unknown>;

/** A good request, and what a new server of its key makes of a changed one. */
async function start(suite: Suite = x25519) {
  const key = await createKey(suite);
  const client = await beginHandshake(key, now);
  const store = new RecordingStore();
  const answer = (body: Uint8Array) => answerHandshake(body, serverWith(key, store, now));
  return {
    key,
    client,
    store,
    request: parseJsonBytes<Request>(client.body),
    accept: async () => client.finish(await answer(client.body)),
    refuse: (body: unknown) => refusalCode(() => answer(body instanceof Uint8Array ? body : jsonBytes(body))),
  };
}

/** First what is wrong, then the unchanged request: nothing that was refused stands in its way. */
async function refusesEach(
  suite: Suite,
  changes: (request: Request) => readonly (readonly [unknown, ErrorCode])[],
) {
  const { request, refuse, accept, store } = await start(suite);
  for (const [body, code] of changes(request)) {
    assert.is(await refuse(body), code, JSON.stringify(body)?.slice(0, 120));
  }
  assert.is(store.masters.length, 0);
  await accept();
  assert.is(store.masters.length, 1);
}

test('a request with one member more, less or of another type is malformed', () =>
  refusesEach(x25519, (request) => [
    [{ ...request, more: 1 }, 'malformed'],
    [{ ...request, client: {} }, 'malformed'],
    [JSON.parse(JSON.stringify(request).replace('{', '{"__proto__":1,')), 'malformed'],
    ...Object.keys(request)
      .filter((name) => name !== 'v')
      .flatMap((name) =>
        [undefined, null, 1, '', [], {}, 'a b', 'ä', 'ab='].map(
          (value) => [{ ...request, [name]: value }, 'malformed'] as const,
        ),
      ),
    [[request], 'malformed'],
    [null, 'malformed'],
    ['text', 'malformed'],
  ]));

test('a body that is not JSON in UTF-8 is malformed', () =>
  refusesEach(x25519, (request) => {
    const text = JSON.stringify(request);
    return [
      [new Uint8Array(), 'malformed'],
      [new TextEncoder().encode(text.slice(0, -1)), 'malformed'],
      [new TextEncoder().encode(`${text},`), 'malformed'],
      [Uint8Array.of(0xff, ...new TextEncoder().encode(text)), 'malformed'],
      [new Uint8Array(Buffer.from(text, 'utf16le')), 'malformed'],
    ];
  }));

test('another version is unsupported whatever else it says, no version at all is malformed', () =>
  refusesEach(x25519, (request) => [
    [{ ...request, v: 2 }, 'unsupported-version'],
    [{ v: 2, anything: 'else' }, 'unsupported-version'],
    [{ ...request, v: 0 }, 'unsupported-version'],
    [{ ...request, v: '1' }, 'malformed'],
    [{ ...request, v: 1.5 }, 'malformed'],
    [{ ...request, v: null }, 'malformed'],
    [{ ...request, v: undefined }, 'malformed'],
  ]));

test('a body of 8 KiB is read, one byte more is malformed', async () => {
  const { client, refuse, key } = await start();
  const padded = (length: number) => Buffer.from(Buffer.from(client.body).toString().padEnd(length));
  assert.ok(await answerHandshake(padded(8192), serverWith(key)));
  assert.is(await refuse(padded(8193)), 'malformed');
});

test('enc has exactly the length of its suite', async () => {
  for (const suite of suites) {
    const { encLength } = suite;
    await refusesEach(suite, (request) =>
      [1, encLength - 1, encLength + 1, 2 * encLength].map(
        (length) => [{ ...request, enc: b64u(new Uint8Array(length).fill(4)) }, 'malformed'] as const,
      ),
    );
  }
});

test('a sealed hello holds more than its tag', () =>
  refusesEach(x25519, (request) => [
    [{ ...request, sealed: b64u(new Uint8Array(1)) }, 'malformed'],
    [{ ...request, sealed: b64u(new Uint8Array(16)) }, 'malformed'],
  ]));

test('base64url that is not canonical is malformed', () =>
  refusesEach(x25519, (request) =>
    // 32 bytes are 43 characters, the last of which leaves two bits over.
    (['kid', 'enc'] as const).map((name) => {
      const text = request[name] as string;
      const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const other = last[last.indexOf(text.slice(-1)) + 1] as string;
      return [{ ...request, [name]: text.slice(0, -1) + other }, 'malformed'] as const;
    }),
  ));

test('a key that the server does not hold is unknown', async () => {
  const { accept, refuse, request, store } = await start();
  const stranger = await createKey(x25519);
  assert.is(await refuse({ ...request, kid: stranger.kid }), 'unknown-key');
  assert.is(await refuse((await beginHandshake(stranger, now)).body), 'unknown-key');
  assert.is(store.masters.length, 0);
  await accept();
});

test('a suite that is not the one of the key is an unknown key, and so is a suite nobody knows', () =>
  refusesEach(x25519, (request) => [
    [{ ...request, suite: p256.id, enc: b64u(new Uint8Array(p256.encLength)) }, 'unknown-key'],
    [{ ...request, suite: xwing.id, enc: b64u(new Uint8Array(xwing.encLength)) }, 'unknown-key'],
    // HKDF-SHA512 and AES-128-GCM: no suite of version 1.
    [{ ...request, suite: '002000030002' }, 'unknown-key'],
    [{ ...request, suite: '002000010001' }, 'unknown-key'],
    [{ ...request, suite: 'ffffffffffff' }, 'unknown-key'],
    [{ ...request, suite: '002000010002'.slice(1) }, 'malformed'],
    [{ ...request, suite: '64 a00010002' }, 'malformed'],
    [{ ...request, suite: '647A00010002' }, 'malformed'],
  ]));

test('a P-256 enc is one uncompressed point on the curve', async () => {
  const { accept, refuse, request, key } = await start(p256);
  const enc = new Uint8Array(Buffer.from(request.enc as string, 'base64url'));
  const changed = (first: number, from = enc) => b64u(Uint8Array.of(first, ...from.subarray(1)));
  const parity = (enc[64] as number) & 1;
  const compressed = changed(2 | parity, enc.subarray(0, 33));
  assert.is(await refuse({ ...request, enc: compressed }), 'malformed');
  for (const first of [0x00, 0x02, 0x03, 0x05, 0x06 | parity, 0x07 ^ parity]) {
    assert.is(await refuse({ ...request, enc: changed(first) }), 'rejected');
  }
  const off = enc.slice();
  off[40] = (off[40] as number) ^ 1;
  assert.is(await refuse({ ...request, enc: b64u(off) }), 'rejected');
  assert.is((await accept()).sid.length, 22);
  assert.is(key.suite, p256);
});

test('an X25519 enc of small order is refused', () =>
  refusesEach(x25519, (request) =>
    smallOrder.map(
      (point) => [{ ...request, enc: Buffer.from(point, 'hex').toString('base64url') }, 'rejected'] as const,
    ),
  ));

/** Points of order 1, 2, 4 and 8 and their non-canonical encodings (RFC 7748, section 7). */
const smallOrder = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

test('a key may be found by a promise', async () => {
  const { client, key, store } = await start();
  const { findKey, ...rest } = serverWith(key, store, now);
  await client.finish(await answerHandshake(client.body, { ...rest, findKey: async (kid) => findKey(kid) }));
  assert.is(store.masters.length, 1);
});

test('a hello counts once within 10 minutes, whatever is wrapped around its enc', async () => {
  const { client, key, store, accept, request } = await start();
  await accept();
  const later = (ms: number, body = client.body) => answerHandshake(body, serverWith(key, store, now + ms));
  assert.is(await refusalCode(() => later(0)), 'rejected');
  assert.is(await refusalCode(() => later(10 * 60_000 - 1)), 'rejected');
  const { v, kid, suite, enc, sealed } = request;
  assert.is(await refusalCode(() => later(0, jsonBytes({ sealed, enc, suite, kid, v }))), 'rejected');
  assert.is(store.masters.length, 1);
  await later(10 * 60_000);
  assert.is(store.masters.length, 2);
});

test('a server whose store is full of sessions in use says so', async () => {
  const { client, key } = await start();
  const store = new MemorySessionStore({ maxSessions: 10 });
  const answer = async (body = client.body) => answerHandshake(body, serverWith(key, store, now));
  for (let i = 0; i < 9; i++) {
    const other = await beginHandshake(key, now);
    const { sid } = await other.finish(await answer(other.body));
    assert.is(store.accept(sid, 0, now), 'accepted');
  }
  assert.equal(store.size, { confirmed: 9, halfOpen: 0 });
  assert.is(await refusalCode(answer), 'too-many-handshakes');
  assert.equal(store.size, { confirmed: 9, halfOpen: 0 });
});

/** A store that keeps the very bytes it was given. */
class KeepingStore extends MemorySessionStore {
  readonly given: Uint8Array[] = [];
  failure: Error | undefined;

  override create(...args: Parameters<MemorySessionStore['create']>): Maybe<boolean> {
    this.given.push(args[2]);
    if (this.failure !== undefined) throw this.failure;
    return super.create(...args);
  }
}

const wiped = '00'.repeat(64);

test('the master that was handed to the store is wiped afterwards', async () => {
  const { client, key } = await start();
  const store = new KeepingStore();
  await answerHandshake(client.body, serverWith(key, store, now));
  assert.equal(store.given.map(toHex), [wiped]);
});

test('the master is wiped also if the store failed', async () => {
  const { client, key } = await start();
  const store = new KeepingStore();
  store.failure = new SealwireError('unavailable');
  assert.is(
    await refusalCode(() => answerHandshake(client.body, serverWith(key, store, now))),
    'unavailable',
  );
  assert.equal(store.given.map(toHex), [wiped]);
});

test.run();
