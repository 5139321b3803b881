import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { beginHandshake, type ClientSession } from '../src/handshake-client.ts';
import { answerHandshake } from '../src/handshake-server.ts';
import { generateSigner, thumbprint } from '../src/signatures.ts';
import { suites } from '../src/suites.ts';
import { hpkeJs, kidOf, libraries, oracleClient, oracleServer, statement } from './support/oracle.ts';
import { refusalCode, throws } from './support/refusal.ts';
import { createKey, parseJsonBytes, RecordingStore, serverWith } from './support/sessions.ts';
import { toHex } from './support/vectors.ts';

const now = 1_700_000_000_000;
const sid = 'AAAAAAAAAAAAAAAAAAAAAA';
const welcome = { v: 1, sid, expires: now + 60_000, idle: 30_000, time: now };

/** On Node a master is a KeyObject, which gives its bytes back. */
function masterBytes({ master }: ClientSession): Uint8Array {
  return (master as unknown as { export(): Uint8Array }).export();
}

async function usable(kem: number, pub: Uint8Array) {
  const suite = suites.find((each) => each.kem === kem);
  if (suite === undefined) throw new Error('no such suite');
  return { kid: Buffer.from(kidOf(kem, pub)).toString('base64url'), suite, pub };
}

for (const suite of suites) {
  for (const library of libraries) {
    const about = `${suite.name}, ${library.name}`;

    test(`a client written from the protocol text gets the server's master (${about})`, async () => {
      const key = await createKey(suite);
      assert.is(key.kid, Buffer.from(kidOf(suite.kem, key.pub)).toString('base64url'));
      const store = new RecordingStore();
      const client = await oracleClient({ library, kem: suite.kem, pub: key.pub, time: now });
      const {
        welcome: said,
        reply,
        master,
      } = await client.open(await answerHandshake(client.body, serverWith(key, store, now)));
      assert.is(reply.v, 1);
      assert.is(store.masters.length, 1);
      assert.is(toHex(store.masters[0] ?? new Uint8Array()), toHex(master));
      assert.equal(said, {
        v: 1,
        sid: store.sids[0],
        expires: now + 86_400_000,
        idle: 3_600_000,
        time: now,
      });
    });

    test(`our client gets the master of a server written from the protocol text (${about})`, async () => {
      const { kem } = suite;
      const key = await library.generate(kem);
      const client = await beginHandshake(await usable(kem, key.pub), now);
      const { answer, master, hello, request } = await oracleServer(client.body, {
        library,
        kem,
        key,
        welcome,
      });
      const session = await client.finish(answer);
      assert.is(toHex(masterBytes(session)), toHex(master));
      const { sid: seen, expires, idle, time } = session;
      assert.equal({ v: 1, sid: seen, expires, idle, time }, welcome);
      assert.equal(Object.keys(request), ['v', 'kid', 'suite', 'enc', 'sealed']);
      assert.equal(Object.keys(hello), ['eph', 'time']);
      assert.is(hello.time, now);
    });

    test(`a reply without the psk of the first set-up is refused by our client (${about})`, async () => {
      const { kem } = suite;
      const key = await library.generate(kem);
      const client = await beginHandshake(await usable(kem, key.pub), now);
      const answerWith = async (psk: (psk: Uint8Array) => Uint8Array | undefined) =>
        (await oracleServer(client.body, { library, kem, key, welcome, psk })).answer;
      assert.is((await client.finish(await answerWith((psk) => psk))).sid, sid);

      const base = await answerWith(() => undefined);
      const zero = await answerWith(() => new Uint8Array(32));
      const changed = await answerWith((psk) => psk.map((byte, i) => (i === 31 ? byte ^ 1 : byte)));
      const longer = await answerWith((psk) => new Uint8Array([...psk, 0]));
      for (const answer of [base, zero, changed, longer]) {
        assert.is(await refusalCode(() => client.finish(answer)), 'handshake-failed');
      }
    });
  }

  test(`our server's reply cannot be opened without the psk (${suite.name})`, async () => {
    const key = await createKey(suite);
    const client = await oracleClient({ library: hpkeJs, kem: suite.kem, pub: key.pub, time: now });
    const answer = await answerHandshake(client.body, serverWith(key));
    await client.open(answer, 'psk');
    assert.ok(await throws(() => client.open(answer, 'base')));
  });

  test(`our server verifies a signature over the protocol's statement (${suite.name})`, async () => {
    const key = await createKey(suite);
    const { kem } = suite;
    const signer = generateKeyPairSync('ed25519');
    const pub = new Uint8Array(signer.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
    const store = new RecordingStore();
    const client = await oracleClient({
      library: hpkeJs,
      kem,
      pub: key.pub,
      time: now,
      hello(hello, { enc, eph }) {
        const signed = statement(kem, kidOf(kem, key.pub), { enc, eph, alg: 'Ed25519', pub, time: now });
        const sig = sign(null, signed, signer.privateKey).toString('base64url');
        return { ...hello, client: { alg: 'Ed25519', pub: Buffer.from(pub).toString('base64url'), sig } };
      },
    });
    await client.open(await answerHandshake(client.body, serverWith(key, store)));
    assert.is(store.infos[0]?.client, await thumbprint('Ed25519', pub));
  });

  test(`our client signs the protocol's statement (${suite.name})`, async () => {
    const { kem } = suite;
    const key = await hpkeJs.generate(kem);
    for (const alg of ['Ed25519', 'ES256'] as const) {
      const signer = await generateSigner(alg);
      const client = await beginHandshake(await usable(kem, key.pub), now, signer);
      const { hello, request } = await oracleServer(client.body, { library: hpkeJs, kem, key, welcome });
      assert.equal(Object.keys(hello), ['eph', 'time', 'client']);
      assert.equal(Object.keys(hello.client ?? {}), ['alg', 'pub', 'sig']);
      assert.is(hello.client?.alg, alg);
      const bytes = (text = '') => new Uint8Array(Buffer.from(text, 'base64url'));
      const signed = statement(kem, kidOf(kem, key.pub), {
        enc: bytes(request.enc),
        eph: bytes(hello.eph),
        alg,
        pub: bytes(hello.client?.pub),
        time: now,
      });
      assert.ok(await verify(alg, bytes(hello.client?.pub), bytes(hello.client?.sig), signed));
    }
  });
}

test('the body of a handshake stays below its limit with every suite', async () => {
  for (const suite of suites) {
    const key = await createKey(suite);
    const client = await beginHandshake(key, now, await generateSigner('ES256'));
    assert.ok(client.body.length <= 8192);
    const answer = await answerHandshake(client.body, serverWith(key));
    assert.ok(answer.length <= 8192);
    assert.is(parseJsonBytes(client.body).suite, suite.id);
    assert.ok((await client.finish(answer)).sid.length === 22);
  }
});

async function verify(alg: 'Ed25519' | 'ES256', pub: Uint8Array, sig: Uint8Array, data: Uint8Array) {
  const key = alg === 'Ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256' };
  const how = alg === 'Ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', hash: 'SHA-256' };
  const raw = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;
  const publicKey = await crypto.subtle.importKey('raw', raw(pub), key, false, ['verify']);
  return crypto.subtle.verify(how, publicKey, raw(sig), raw(data));
}

test.run();
