import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isSealwireError } from '../src/errors.ts';
import { beginHandshake } from '../src/handshake-client.ts';
import { answerHandshake } from '../src/handshake-server.ts';
import { loadKem } from '../src/kem.node.ts';
import type { KemPrivateKey } from '../src/kem-private-key.ts';
import { remoteKemKey } from '../src/server-kem-key.ts';
import { type Suite, suites } from '../src/suites.ts';
import { now } from './support/configurations.ts';
import { refusalCode } from './support/refusal.ts';
import { createKey, jsonBytes, parseJsonBytes, serverWith } from './support/sessions.ts';

// Keys that are kept elsewhere: here, another part of this process that only does what it is asked.

const spki = {
  X25519: { prefix: '302a300506032b656e032100', generate: () => generateKeyPairSync('x25519') },
  'P-256': {
    prefix: '3059301306072a8648ce3d020106082a8648ce3d030107034200',
    generate: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  },
};

/** A token that holds a key and does Diffie-Hellman by node:crypto alone. */
function token(suite: 'X25519' | 'P-256', dh?: (privateKey: KeyObject, peer: Uint8Array) => unknown) {
  const { prefix, generate } = spki[suite];
  const { privateKey, publicKey } = generate();
  const head = Buffer.from(prefix, 'hex');
  const pub = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(head.length));
  const asked: Uint8Array[] = [];
  const compute = (peer: Uint8Array) => {
    const publicKey = createPublicKey({ key: Buffer.concat([head, peer]), format: 'der', type: 'spki' });
    return diffieHellman({
      privateKey: createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })),
      publicKey,
    });
  };
  const key = {
    suite,
    pub,
    async dh(peer: Uint8Array) {
      asked.push(peer);
      return dh === undefined ? compute(peer) : dh(privateKey, peer);
    },
  } as KemPrivateKey;
  return { key, asked };
}

async function handshake(remote: KemPrivateKey) {
  const key = await remoteKemKey(remote);
  const client = await beginHandshake(key, now);
  return {
    key,
    client,
    finish: async () => client.finish(await answerHandshake(client.body, serverWith(key))),
  };
}

for (const suite of ['X25519', 'P-256'] as const) {
  test(`${suite}: a handshake needs one Diffie-Hellman of a key that is kept elsewhere`, async () => {
    const { key, asked } = token(suite);
    await (await handshake(key)).finish();
    assert.is(asked.length, 1);
  });
}

test('waiting for a key that is kept elsewhere is admitted, and the public-key work within', async () => {
  const { key, asked } = token('P-256');
  const { key: remote, client } = await handshake(key);
  const steps: string[] = [];
  const admit = async <T>(work: () => Promise<T>, elsewhere: boolean) => {
    steps.push(`${elsewhere ? 'elsewhere' : 'here'} after ${asked.length} calls`);
    return work();
  };
  await client.finish(await answerHandshake(client.body, { ...serverWith(remote), admit }));
  assert.equal(steps, ['elsewhere after 0 calls', 'here after 1 calls']);
  steps.length = 0;
  const local = await createKey(remote.suite);
  const other = await beginHandshake(local, now);
  await other.finish(await answerHandshake(other.body, { ...serverWith(local), admit }));
  assert.equal(steps, ['here after 1 calls']);
});

test('every suite: a handshake through a key that decapsulates elsewhere', async () => {
  for (const suite of suites) {
    const kem = (await loadKem(suite.kem))();
    const pair = await kem.GenerateKeyPair(false);
    const pub = await kem.SerializePublicKey(pair.publicKey);
    const decapsulate = (enc: Uint8Array) => kem.Decap(enc, pair.privateKey, pair.publicKey);
    await (await handshake({ suite: suite.name, pub, decapsulate })).finish();
  }
});

test('a key that fails, or answers something else than 32 bytes, is `unavailable` and says why in its cause', async () => {
  await (await handshake(token('P-256').key)).finish();
  const cause = new Error('the token was pulled out');
  const broken: [what: string, dh: () => unknown][] = [
    ['fails', () => Promise.reject(cause)],
    [
      'throws',
      () => {
        throw cause;
      },
    ],
    ['is too short', () => new Uint8Array(31).fill(1)],
    ['is too long', () => new Uint8Array(33).fill(1)],
    ['is nothing', () => undefined],
    ['is text', () => 'x'.repeat(32)],
  ];
  for (const [what, dh] of broken) {
    const { finish } = await handshake(token('P-256', dh).key);
    const error = await finish().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(isSealwireError(error, 'unavailable'), what);
    if (what === 'fails') assert.is(error.cause, cause);
  }
});

test('a point that is not on the curve, or an all-zero result, is refused; the key never sees the former', async () => {
  const { key, asked } = token('P-256');
  const { key: served, client } = await handshake(key);
  const request = parseJsonBytes(client.body);
  const off = Buffer.from(request.enc as string, 'base64url');
  off[64] = (off[64] as number) ^ 1;
  const forged = jsonBytes({ ...request, enc: off.toString('base64url') });
  assert.is(await refusalCode(() => answerHandshake(forged, serverWith(served))), 'rejected');
  assert.is(asked.length, 0);
  await client.finish(await answerHandshake(client.body, serverWith(served)));

  const zero = await handshake(token('X25519', () => new Uint8Array(32)).key);
  assert.is(await refusalCode(zero.finish), 'rejected');
});

test('a public half that is none of its suite, or a key that can do nothing, is refused when it is given', async () => {
  const { key } = token('P-256');
  await remoteKemKey(key);
  const dh = () => new Uint8Array(32);
  const pub = key.pub;
  const offCurve = Uint8Array.from(pub);
  offCurve[64] = (offCurve[64] as number) ^ 1;
  const wrong: unknown[] = [
    { suite: 'P-256', pub: pub.subarray(1), dh },
    { suite: 'P-256', pub: offCurve, dh },
    { suite: 'X25519', pub, dh },
    { suite: 'P-521', pub, dh },
    { suite: 'P-256', pub },
    { suite: 'MLKEM768-X25519', pub: new Uint8Array((suites[0] as Suite).pubLength), dh },
  ];
  for (const each of wrong)
    assert.is(await refusalCode(() => remoteKemKey(each as KemPrivateKey)), 'invalid-option');
});

test.run();
