import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { beginHandshake } from '../src/handshake-client.ts';
import { answerHandshake } from '../src/handshake-server.ts';
import { type Suite, suites } from '../src/suites.ts';
import { hpkeJs, oracleClient } from './support/oracle.ts';
import { refusalCode } from './support/refusal.ts';
import { createKey, jsonBytes, parseJsonBytes, RecordingStore, serverWith } from './support/sessions.ts';

// What a server makes of a hello that authenticated: a client of its own may say anything in it.

const now = 1_700_000_000_000;
const [xwing, x25519, p256] = suites as [Suite, Suite, Suite];
const b64u = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

type Change = (hello: Record<string, unknown>, about: { eph: Uint8Array }) => unknown;

async function answerTo(suite: Suite, change?: Change) {
  const key = await createKey(suite);
  const store = new RecordingStore();
  const { body } = await oracleClient({
    library: hpkeJs,
    kem: suite.kem,
    pub: key.pub,
    time: now,
    ...(change === undefined ? {} : { hello: change }),
  });
  return { store, answer: () => answerHandshake(body, serverWith(key, store, now)) };
}

async function refuses(suite: Suite, change: Change, code = 'rejected') {
  const good = await answerTo(suite);
  await good.answer();
  assert.is(good.store.masters.length, 1);
  const bad = await answerTo(suite, change);
  assert.is(await refusalCode(bad.answer), code);
  assert.is(bad.store.masters.length, 0);
}

test('a hello with one member more, less or of another type is refused', async () => {
  await refuses(x25519, (hello) => ({ ...hello, more: 1 }));
  await refuses(x25519, ({ eph }) => ({ eph }));
  await refuses(x25519, ({ time }) => ({ time }));
  await refuses(x25519, (hello) => ({ ...hello, time: `${now}` }));
  await refuses(x25519, (hello) => ({ ...hello, time: now + 0.5 }));
  await refuses(x25519, (hello) => ({ ...hello, time: -1 }));
  await refuses(x25519, (hello) => ({ ...hello, time: 2 ** 53 }));
  await refuses(x25519, (hello) => ({ ...hello, eph: '' }));
  await refuses(x25519, (hello) => ({ ...hello, client: null }));
  await refuses(x25519, (hello) => ({ ...hello, client: { alg: 'Ed25519' } }));
  await refuses(x25519, (hello) => [hello]);
});

test('a wrong clock of the client does not prevent a handshake', async () => {
  for (const time of [0, now - 10 ** 10, now + 10 ** 10, Number.MAX_SAFE_INTEGER]) {
    const { answer, store } = await answerTo(x25519, (hello) => ({ ...hello, time }));
    await answer();
    assert.is(store.masters.length, 1);
  }
});

test('an ephemeral key of another length is refused', async () => {
  for (const suite of suites) {
    for (const length of [1, suite.pubLength - 1, suite.pubLength + 1]) {
      await refuses(suite, (hello) => ({ ...hello, eph: b64u(new Uint8Array(length).fill(4)) }));
    }
  }
});

test('an all-zero ephemeral key of X25519 is refused, and so is one of small order', async () => {
  const one = Uint8Array.of(1, ...new Uint8Array(31));
  for (const eph of [new Uint8Array(32), one])
    await refuses(x25519, (hello) => ({ ...hello, eph: b64u(eph) }));
  await refuses(xwing, (hello, { eph }) => ({ ...hello, eph: b64u(eph.slice().fill(0, 1184)) }));
});

test('an ephemeral key whose ML-KEM half FIPS 203 refuses is refused', () =>
  // The first two coefficients are 4095: not below 3329.
  refuses(xwing, (hello, { eph }) => ({
    ...hello,
    eph: b64u(Uint8Array.of(255, 255, 255, ...eph.subarray(3))),
  })));

test('an ephemeral key of P-256 is one uncompressed point on the curve', async () => {
  const change = (edit: (eph: Uint8Array) => Uint8Array) =>
    refuses(p256, (hello, { eph }) => ({ ...hello, eph: b64u(edit(eph.slice())) }));
  const parity = (eph: Uint8Array) => (eph[64] as number) & 1;
  await change((eph) => Uint8Array.of(2 | parity(eph), ...eph.subarray(1, 33)));
  await change((eph) => Uint8Array.of(6 | parity(eph), ...eph.subarray(1)));
  await change((eph) => Uint8Array.of(7 ^ parity(eph), ...eph.subarray(1)));
  await change((eph) => eph.fill(0, 0, 1));
  await change((eph) => eph.fill(0, 1));
  await change((eph) => eph.map((byte, i) => (i === 50 ? byte ^ 1 : byte)));
});

test('a sealed hello is for one enc, one key and one suite', async () => {
  const key = await createKey(x25519);
  const client = await beginHandshake(key, now);
  const other = await beginHandshake(key, now);
  const request = parseJsonBytes(client.body);
  const { enc, sealed } = parseJsonBytes(other.body);
  const answer = (body: Uint8Array) => answerHandshake(body, serverWith(key));
  assert.is(await refusalCode(() => answer(jsonBytes({ ...request, enc }))), 'rejected');
  assert.is(await refusalCode(() => answer(jsonBytes({ ...request, sealed }))), 'rejected');
  // The same key pair under another id: the id is part of `info`.
  const renamed = { ...key, kid: (await createKey(x25519)).kid };
  const body = jsonBytes({ ...request, kid: renamed.kid });
  assert.is(await refusalCode(() => answerHandshake(body, serverWith(renamed))), 'rejected');
  await client.finish(await answer(client.body));
});

test.run();
