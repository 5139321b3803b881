import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { importAeadKey, importMaster } from '#crypto';
import { rejected, SealwireError } from '../src/errors.ts';
import { beginHandshake } from '../src/handshake-client.ts';
import { answerHandshake } from '../src/handshake-server.ts';
import { generateKemPair, setupRecipient, setupSender } from '../src/hpke.ts';
import { MemorySessionStore } from '../src/memory-store.ts';
import { RecordReader, RecordWriter } from '../src/records.ts';
import { generateEd25519, generateSigner, importEd25519 } from '../src/signatures.ts';
import { StaticKeys } from '../src/static-keys.ts';
import { suiteByKem, suites } from '../src/suites.ts';
import { everythingShown, leak } from './support/leaks.ts';
import { baseNonce, plain, key as recordKey, sealRecords } from './support/messages.ts';
import { kemIds, kemVariants, platforms } from './support/platforms.ts';
import { refusal } from './support/refusal.ts';
import { createKey, RecordingStore, serverWith } from './support/sessions.ts';
import { now, sessionInfo } from './support/store.ts';

function assertSilent(value: unknown, secrets: readonly Uint8Array[], about: string): void {
  const shown = everythingShown(value);
  for (const secret of secrets) assert.is(leak(shown, secret), undefined, about);
}

test('the search finds a secret in whatever form it shows', () => {
  const secret = new Uint8Array(randomBytes(40));
  const part = secret.subarray(5, 30);
  for (const value of [
    secret,
    [...secret],
    part,
    Buffer.from(part),
    { deep: { er: new Map([['a', [{ b: secret }]]]) } },
    Buffer.from(part).toString('hex'),
    Buffer.from(part).toString('hex').toUpperCase(),
    Buffer.from(part).toString('base64'),
    Buffer.from(part).toString('base64url'),
    Buffer.from(part).toString('latin1'),
    new Error('quoted', { cause: part }),
    { toJSON: () => [...part] },
    Object.defineProperty({}, 'hidden', { value: part, enumerable: false }),
    { [Symbol('hidden')]: part },
    part.buffer,
  ]) {
    assert.is.not(leak(everythingShown(value), secret), undefined);
  }
  assertSilent({ other: randomBytes(40) }, [secret], 'other bytes');
});

for (const id of kemIds) {
  for (const variant of kemVariants(id)) {
    test(`a key pair shows no private key (${suiteByKem(id)?.name}, ${variant.name})`, async () => {
      const kem = (await variant.load())();
      const pair = await kem.GenerateKeyPair(true);
      const sk = await kem.SerializePrivateKey(pair.privateKey);
      const closed = await kem.DeserializePrivateKey(sk.slice(), false);
      assertSilent([pair, closed], [sk], 'key pair');
      for (const key of [pair.privateKey, pair.publicKey, closed]) assertSilent(key, [sk], 'key');
    });
  }
}

test('a context of HPKE shows no secret', async () => {
  for (const suite of suites) {
    const { pair, pub } = await generateKemPair(suite);
    const psk = new Uint8Array(randomBytes(32));
    const info = new Uint8Array(randomBytes(20));
    const { enc, ctx } = await setupSender(suite, pub, { info, psk });
    const recipient = await setupRecipient(suite, pair, enc, { info, psk });
    const exported = await ctx.Export(info, 32);
    assertSilent([ctx, recipient, pair], [psk, exported], suite.name);
  }
});

test('server keys show neither identity nor KEM keys', async () => {
  const text = await StaticKeys.generateExported();
  const exported = JSON.parse(text) as { identity: { seed: string }; kem: { key: string; pub: string }[] };
  const secrets = [exported.identity.seed, ...exported.kem.map(({ key }) => key)].map(
    (each) => new Uint8Array(Buffer.from(each, 'base64url')),
  );
  assert.is(secrets.length, 4);
  const keys = await StaticKeys.import(text);
  await keys.publish({ aud: ['https://api.example.com'], fields: [] }, now);
  const { body } = await keys.publish({ aud: ['https://api.example.com'], fields: [] }, now);
  assertSilent([keys, body], secrets, 'keys');
  const { payload } = JSON.parse(body) as { payload: string };
  const { keys: published } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    keys: { kid: string }[];
  };
  assert.is(published.length, 3);
  for (const { kid } of published) assertSilent(keys.findKey(kid), secrets, kid);
});

test('the error about keys that cannot be read quotes nothing of them', async () => {
  const text = await StaticKeys.generateExported(['X25519']);
  await StaticKeys.import(text);
  const exported = JSON.parse(text) as { identity: { seed: string }; kem: [{ key: string }] };
  const secrets = [exported.identity.seed, exported.kem[0].key].map(
    (each) => new Uint8Array(Buffer.from(each, 'base64url')),
  );
  for (const broken of [
    text.slice(0, -1),
    text.slice(1),
    text.replace('"', ''),
    `${text}}`,
    text.replaceAll('"key"', '"kex"'),
  ]) {
    assertSilent(await refusal(() => StaticKeys.import(broken)), secrets, 'error');
  }
});

test('a signer shows no private key', async () => {
  const { seed, pub } = await generateEd25519();
  assertSilent(await importEd25519(seed.slice(), pub), [seed], 'signer');
  for (const alg of ['Ed25519', 'ES256'] as const) {
    assert.match(everythingShown(await generateSigner(alg)), alg);
  }
});

test('neither a store nor its sessions show secrets or session ids', async () => {
  const store = new MemorySessionStore();
  const masters = Array.from({ length: 3 }, () => new Uint8Array(randomBytes(64)));
  const sids = masters.map(() => randomBytes(16).toString('base64url'));
  for (const [i, master] of masters.entries()) store.create(sids[i] as string, sessionInfo(), master, now);
  store.accept(sids[0] as string, 0, now);
  const loaded = await Promise.all(sids.slice(0, 2).map((sid) => store.load(sid, now)));
  store.claimHello(sids[2] as string, now);
  const shown = everythingShown([store, loaded]);
  for (const sid of sids) assert.not.ok(shown.includes(sid));
  assertSilent([store, loaded], masters, 'store');
});

test('neither side of a handshake shows the master', async () => {
  for (const suite of suites) {
    const key = await createKey(suite);
    const store = new RecordingStore();
    const client = await beginHandshake(key, now, await generateSigner());
    const options = serverWith(key, store, now);
    const reply = await answerHandshake(client.body, options);
    const session = await client.finish(reply);
    const { masters, sids } = store;
    assert.is(masters.length, 1);
    const kept = await store.load(sids[0] ?? '', now);
    assertSilent([client, session, kept, key, options.findKey(key.kid)], masters, suite.name);
    assert.not.ok(inspect([client, session, kept], { depth: Infinity }).includes(sids[0] as string));
  }
});

test('imported keys show no bytes', async () => {
  const secret = new Uint8Array(randomBytes(64));
  assertSilent(
    [await importMaster(secret.slice()), await importAeadKey(secret.slice(0, 32))],
    [secret],
    'keys',
  );
  for (const { crypto, name } of platforms) {
    assertSilent(await crypto.importMaster(secret.slice()), [secret], name);
    assertSilent(await crypto.importAeadKey(secret.slice(0, 32)), [secret], name);
  }
});

test('a record reader shows neither its base nonce nor what it holds', () => {
  const text = new Uint8Array(randomBytes(100));
  const message = sealRecords([plain('more', text), plain('final', text)]);
  const reader = new RecordReader(baseNonce);
  reader.push(message.subarray(0, 90));
  reader.next();
  assertSilent(
    [reader, new RecordWriter(baseNonce)],
    [baseNonce, message.slice(4, 90), text, recordKey],
    'reader',
  );
});

test('an error shows nothing of the exchange', async () => {
  const key = await createKey(suites[1] as (typeof suites)[number]);
  const store = new RecordingStore();
  const [one, two] = [await beginHandshake(key, now), await beginHandshake(key, now)];
  const replies = [
    await answerHandshake(one.body, serverWith(key, store)),
    await answerHandshake(two.body, serverWith(key, store)),
  ] as const;
  const error = await refusal(() => one.finish(replies[1]));
  const sids = store.sids.map((sid) => new Uint8Array(Buffer.from(sid, 'base64url')));
  assertSilent(error, [...store.masters, ...sids, replies[1], two.body], 'error of a handshake');
  assertSilent([rejected(), new SealwireError('truncated')], store.masters, 'other errors');
});

test.run();
