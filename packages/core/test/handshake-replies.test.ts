import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isSealwireError } from '../src/errors.ts';
import { beginHandshake } from '../src/handshake-client.ts';
import { answerHandshake } from '../src/handshake-server.ts';
import { type Suite, suites } from '../src/suites.ts';
import { hpkeJs, kidOf, oracleServer } from './support/oracle.ts';
import { refusal, refusalCode } from './support/refusal.ts';
import { createKey, jsonBytes, parseJsonBytes, RecordingStore, serverWith } from './support/sessions.ts';

// A handshake that anyone between client and server changed on its way.

const now = 1_700_000_000_000;
const x25519 = suites[1] as Suite;

for (const suite of suites) {
  test(`a reply to another handshake is refused (${suite.name})`, async () => {
    const key = await createKey(suite);
    const server = serverWith(key);
    const [one, two] = [await beginHandshake(key, now), await beginHandshake(key, now)];
    const replies = [
      await answerHandshake(one.body, server),
      await answerHandshake(two.body, server),
    ] as const;
    assert.is(await refusalCode(() => one.finish(replies[1])), 'handshake-failed');
    assert.is(await refusalCode(() => two.finish(replies[0])), 'handshake-failed');
    const sids = [(await one.finish(replies[0])).sid, (await two.finish(replies[1])).sid];
    assert.is.not(sids[0], sids[1]);
  });

  test(`a reply put together from two is refused (${suite.name})`, async () => {
    const key = await createKey(suite);
    const client = await beginHandshake(key, now);
    // Two replies to the same request, as from two instances.
    const [a, b] = [
      await answerHandshake(client.body, serverWith(key)),
      await answerHandshake(client.body, serverWith(key)),
    ];
    const { enc } = parseJsonBytes(a);
    const { sealed } = parseJsonBytes(b);
    const spliced = jsonBytes({ v: 1, enc, sealed });
    assert.is(await refusalCode(() => client.finish(spliced)), 'handshake-failed');
    await client.finish(a);
  });
}

test('any flipped bit of the reply is refused', async () => {
  const key = await createKey(x25519);
  const client = await beginHandshake(key, now);
  const reply = await answerHandshake(client.body, serverWith(key));
  await client.finish(reply);
  for (let bit = 0; bit < reply.length * 8; bit++) {
    const changed = reply.slice();
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.is(await refusalCode(() => client.finish(changed)), 'handshake-failed', `bit ${bit}`);
  }
});

test('any flipped bit of the request is refused', async () => {
  const key = await createKey(x25519);
  const client = await beginHandshake(key, now);
  await client.finish(await answerHandshake(client.body, serverWith(key)));
  const codes = new Set<string>();
  for (let bit = 0; bit < client.body.length * 8; bit++) {
    const changed = client.body.slice();
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    const store = new RecordingStore();
    codes.add(await refusalCode(() => answerHandshake(changed, serverWith(key, store))));
    assert.is(store.masters.length, 0, `bit ${bit}`);
  }
  // JSON or base64url that no longer is, what does not open, another key, another version.
  assert.equal([...codes].sort(), ['malformed', 'rejected', 'unknown-key', 'unsupported-version']);
});

test('a request that says the same in other bytes gives a reply that the client refuses', async () => {
  const key = await createKey(x25519);
  const client = await beginHandshake(key, now);
  const { v, kid, suite, enc, sealed } = parseJsonBytes(client.body);
  const text = Buffer.from(client.body).toString();
  for (const body of [
    jsonBytes({ kid, v, suite, enc, sealed }),
    Buffer.from(`${text} `),
    Buffer.from(text.replace(':', ': ')),
    Buffer.from(text.replace('"v":1', '"v":1.0')),
    Buffer.from(text.replace('"kid"', '"\\u006bid"')),
    Buffer.from(text.replace('{', '{"v":7,')),
  ]) {
    const reply = await answerHandshake(body, serverWith(key));
    assert.is(await refusalCode(() => client.finish(reply)), 'handshake-failed');
  }
  await client.finish(await answerHandshake(client.body, serverWith(key)));
});

test('a reply of another form is refused', async () => {
  const key = await createKey(x25519);
  const client = await beginHandshake(key, now);
  const bytes = await answerHandshake(client.body, serverWith(key));
  const reply = parseJsonBytes<Record<string, unknown>>(bytes);
  const { enc, sealed } = reply;
  for (const changed of [
    { ...reply, more: 1 },
    { ...reply, v: 2 },
    { ...reply, enc: undefined },
    { ...reply, enc: `${enc}A` },
    { ...reply, enc: `${enc}=` },
    { ...reply, enc: '' },
    { ...reply, sealed: [sealed] },
    { ...reply, sealed: 'AAAA' },
    [reply],
    null,
  ]) {
    assert.is(await refusalCode(() => client.finish(jsonBytes(changed))), 'handshake-failed');
  }
  const text = Buffer.from(bytes).toString();
  for (const changed of [
    Buffer.from(text.slice(0, -1)),
    Buffer.from(`${text}x`),
    new Uint8Array(),
    Buffer.from(text.padEnd(8193)),
  ]) {
    assert.is(await refusalCode(() => client.finish(changed)), 'handshake-failed');
  }
  await client.finish(Buffer.from(text.padEnd(8192)));
});

test('what the server says in its reply has the form of the protocol', async () => {
  const { kem } = x25519;
  const key = await hpkeJs.generate(kem);
  const kid = Buffer.from(kidOf(kem, key.pub)).toString('base64url');
  const client = await beginHandshake({ kid, suite: x25519, pub: key.pub }, now);
  const good = { v: 1, sid: 'AAAAAAAAAAAAAAAAAAAAAA', expires: now + 1, idle: 1, time: now };
  const answer = async (welcome: object) =>
    (await oracleServer(client.body, { library: hpkeJs, kem, key, welcome: { ...welcome } })).answer;
  await client.finish(await answer(good));
  for (const welcome of [
    { ...good, more: 1 },
    { ...good, v: 2 },
    { ...good, sid: 'AAAAAAAAAAAAAAAAAAAAA' },
    { ...good, sid: 'AAAAAAAAAAAAAAAAAAAAAAA' },
    { ...good, sid: 'AAAAAAAAAAAAAAAAAAAAA;' },
    // 16 bytes in 22 characters leave four bits over, which are zero: such a session could never be named.
    { ...good, sid: 'AAAAAAAAAAAAAAAAAAAAAB' },
    { ...good, expires: '1' },
    { ...good, expires: -1 },
    { ...good, idle: 0.5 },
    { ...good, time: 2 ** 53 },
    { ...good, time: undefined },
  ]) {
    const reply = await answer(welcome);
    assert.is(await refusalCode(() => client.finish(reply)), 'handshake-failed', JSON.stringify(welcome));
  }
});

test('the error of a refused reply says why to a developer', async () => {
  const key = await createKey(x25519);
  const client = await beginHandshake(key, now);
  await client.finish(await answerHandshake(client.body, serverWith(key)));
  const error = await refusal(() => client.finish(new Uint8Array()));
  assert.match(error.message, 'altered');
  assert.ok(isSealwireError(error.cause));
});

test('a key of the configuration that is no key of its suite is refused with a typed error', async () => {
  for (const suite of suites) {
    const key = await createKey(suite);
    await beginHandshake(key, now);
    const broken = { ...key, pub: new Uint8Array(suite.pubLength) };
    // Never an error of the layer below, which no caller can branch on.
    assert.is(await refusalCode(() => beginHandshake(broken, now)), 'configuration-invalid', suite.name);
  }
});

test.run();
