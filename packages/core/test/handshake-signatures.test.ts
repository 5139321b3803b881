import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { beginHandshake } from '../src/handshake-client.ts';
import { answerHandshake } from '../src/handshake-server.ts';
import { generateSigner, type SignatureAlgorithm, thumbprint } from '../src/signatures.ts';
import { type Suite, suites } from '../src/suites.ts';
import { hpkeJs, kidOf, oracleClient, statement } from './support/oracle.ts';
import { refusalCode } from './support/refusal.ts';
import { createKey, RecordingStore, serverWith } from './support/sessions.ts';

// The client's signature in a hello. The client here is written from the protocol text, its keys are node:crypto's.

const now = 1_700_000_000_000;
const x25519 = suites[1] as Suite;
const b64u = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const algorithms: readonly SignatureAlgorithm[] = ['Ed25519', 'ES256'];

interface ClientKey {
  readonly alg: SignatureAlgorithm;
  readonly pub: Uint8Array;
  sign(data: Uint8Array, form?: 'ieee-p1363' | 'der'): Uint8Array;
}

function createClientKey(alg: SignatureAlgorithm): ClientKey {
  const { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject } =
    alg === 'Ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return {
    alg,
    pub: new Uint8Array(spki.subarray(alg === 'Ed25519' ? -32 : -65)),
    sign: (data, dsaEncoding = 'ieee-p1363') =>
      sign(alg === 'Ed25519' ? null : 'sha256', data, { key: privateKey, dsaEncoding }),
  };
}

interface Signed {
  readonly kem: number;
  readonly kid: Uint8Array;
  readonly about: Parameters<typeof statement>[2];
  readonly key: ClientKey;
}

type Claim = (signed: Signed) => unknown;

/** An honest claim, which each test then spoils. */
const honest = ({ kem, kid, about, key }: Signed) => ({
  alg: key.alg,
  pub: b64u(key.pub),
  sig: b64u(key.sign(statement(kem, kid, about))),
});

async function handshake(key: ClientKey, claim: Claim) {
  const server = await createKey(x25519);
  const kid = kidOf(x25519.kem, server.pub);
  const store = new RecordingStore();
  const { body } = await oracleClient({
    library: hpkeJs,
    kem: x25519.kem,
    pub: server.pub,
    time: now,
    hello(hello, { enc, eph }) {
      const about = { enc, eph, alg: key.alg, pub: key.pub, time: now };
      return { ...hello, client: claim({ kem: x25519.kem, kid, about, key }) };
    },
  });
  return { store, answer: () => answerHandshake(body, serverWith(server, store, now)) };
}

async function accepts(key: ClientKey, claim: Claim): Promise<void> {
  const { store, answer } = await handshake(key, claim);
  await answer();
  assert.is(store.infos[0]?.client, await thumbprint(key.alg, key.pub));
}

async function refuses(key: ClientKey, claim: Claim, expected = 'rejected'): Promise<void> {
  await accepts(key, honest);
  const { store, answer } = await handshake(key, claim);
  assert.is(await refusalCode(answer), expected);
  assert.is(store.masters.length, 0);
}

test('a session without a signature has no client', async () => {
  const server = await createKey(x25519);
  const store = new RecordingStore();
  const { body } = await beginHandshake(server, now);
  await answerHandshake(body, serverWith(server, store));
  assert.is(store.infos[0]?.client, undefined);
});

for (const alg of algorithms) {
  test(`a session is that of the client key which signed (${alg})`, async () => {
    await accepts(createClientKey(alg), honest);
    const signer = await generateSigner(alg);
    const server = await createKey(x25519);
    const store = new RecordingStore();
    const client = await beginHandshake(server, now, signer);
    await client.finish(await answerHandshake(client.body, serverWith(server, store)));
    assert.is(store.infos[0]?.client, await thumbprint(alg, signer.pub));
  });

  test(`a changed bit of the signature or of the public key is refused (${alg})`, async () => {
    const key = createClientKey(alg);
    const flip = (text: string, at: number) => {
      const bytes = Buffer.from(text, 'base64url');
      bytes[at] = (bytes[at] as number) ^ 1;
      return b64u(bytes);
    };
    for (const at of [0, 31, 32, 63]) {
      await refuses(key, (signed) => ({ ...honest(signed), sig: flip(honest(signed).sig, at) }));
    }
    for (const at of [1, 31]) {
      await refuses(key, (signed) => ({ ...honest(signed), pub: flip(honest(signed).pub, at) }));
    }
  });

  test(`a signature fits its handshake only (${alg})`, async () => {
    const key = createClientKey(alg);
    const other = await createKey(x25519);
    const over =
      (change: (signed: Signed) => [number, Uint8Array, Parameters<typeof statement>[2]]): Claim =>
      (signed) => ({ ...honest(signed), sig: b64u(key.sign(statement(...change(signed)))) });
    await accepts(
      key,
      over(({ kem, kid, about }) => [kem, kid, about]),
    );
    await refuses(
      key,
      over(({ kid, about }) => [0x0010, kid, about]),
    );
    await refuses(
      key,
      over(({ kem, about }) => [kem, kidOf(kem, other.pub), about]),
    );
    await refuses(
      key,
      over(({ kem, kid, about }) => [kem, kid, { ...about, enc: other.pub }]),
    );
    await refuses(
      key,
      over(({ kem, kid, about }) => [kem, kid, { ...about, eph: other.pub }]),
    );
    await refuses(
      key,
      over(({ kem, kid, about }) => [kem, kid, { ...about, alg: 'EdDSA' }]),
    );
    await refuses(
      key,
      over(({ kem, kid, about }) => [kem, kid, { ...about, pub: other.pub }]),
    );
    await refuses(
      key,
      over(({ kem, kid, about }) => [kem, kid, { ...about, time: now + 1 }]),
    );
  });

  test(`a claim taken out of another handshake is refused (${alg})`, async () => {
    const key = createClientKey(alg);
    let taken: unknown;
    await accepts(key, (signed) => {
      taken = honest(signed);
      return taken;
    });
    await refuses(key, () => taken);
  });

  test(`the signature of one key does not stand for another (${alg})`, async () => {
    const key = createClientKey(alg);
    for (const other of [
      createClientKey(alg),
      createClientKey(algorithms[alg === 'ES256' ? 0 : 1] as SignatureAlgorithm),
    ]) {
      await refuses(key, (signed) => ({ ...honest(signed), alg: other.alg, pub: b64u(other.pub) }));
    }
  });

  test(`keys and signatures of another length or form are refused (${alg})`, async () => {
    const key = createClientKey(alg);
    const cut = (text: string, end: number) => b64u(Buffer.from(text, 'base64url').subarray(0, end));
    const longer = (text: string) => b64u(Buffer.concat([Buffer.from(text, 'base64url'), Buffer.from([0])]));
    await refuses(key, (signed) => ({ ...honest(signed), sig: cut(honest(signed).sig, 63) }));
    await refuses(key, (signed) => ({ ...honest(signed), sig: longer(honest(signed).sig) }));
    await refuses(key, (signed) => ({ ...honest(signed), pub: cut(honest(signed).pub, 31) }));
    await refuses(key, (signed) => ({ ...honest(signed), pub: longer(honest(signed).pub) }));
    await refuses(key, (signed) => ({ ...honest(signed), alg: alg === 'ES256' ? 'Ed25519' : 'ES256' }));
    for (const name of ['RS256', 'none', 'ed25519', 'EdDSA']) {
      await refuses(key, (signed) => ({ ...honest(signed), alg: name }));
    }
    await refuses(key, (signed) => ({ ...honest(signed), more: 1 }));
  });
}

test('an ES256 key is an uncompressed point and its signature is r || s', async () => {
  const key = createClientKey('ES256');
  const parity = (key.pub[64] as number) & 1;
  const compressed = Uint8Array.of(2 | parity, ...key.pub.subarray(1, 33));
  const hybrid = Uint8Array.of(6 | parity, ...key.pub.subarray(1));
  for (const pub of [compressed, hybrid]) {
    await refuses(key, ({ kem, kid, about }) => ({
      alg: 'ES256',
      pub: b64u(pub),
      sig: b64u(key.sign(statement(kem, kid, { ...about, pub }))),
    }));
  }
  await refuses(key, ({ kem, kid, about }) => ({
    alg: 'ES256',
    pub: b64u(key.pub),
    sig: b64u(key.sign(statement(kem, kid, about), 'der')),
  }));
});

test('a signature of zeros is refused', async () => {
  for (const alg of algorithms) {
    const sig = b64u(new Uint8Array(64));
    await refuses(createClientKey(alg), (signed) => ({ ...honest(signed), sig }));
  }
});

test('the thumbprint of a client key tells algorithm and key', async () => {
  const pub = new Uint8Array(32);
  const print = await thumbprint('Ed25519', pub);
  assert.match(print, /^[A-Za-z0-9_-]{43}$/);
  assert.is(await thumbprint('Ed25519', new Uint8Array(32)), print);
  assert.is.not(await thumbprint('ES256', pub), print);
  assert.is.not(await thumbprint('Ed25519', pub.fill(1)), print);
});

test.run();
