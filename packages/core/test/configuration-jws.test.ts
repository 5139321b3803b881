import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { GeneralSign, generalVerify, importJWK } from 'jose';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { signConfiguration, verifyConfiguration } from '../src/configuration.ts';
import { formatPin } from '../src/identity.ts';
import type { Jws } from '../src/schemas.ts';
import { generateEd25519, importEd25519 } from '../src/signatures.ts';
import { bytesOf, now, origin, payloadWith } from './support/configurations.ts';
import { refusalCode } from './support/refusal.ts';

// The configuration as a JWS, with `jose` on the other side.

const { seed, pub } = await generateEd25519();
const identity = await importEd25519(seed, pub);
const pin = formatPin(pub);
const b64u = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url');
const privateKey: KeyObject = createPrivateKey({
  key: { kty: 'OKP', crv: 'Ed25519', d: b64u(seed), x: b64u(pub) },
  format: 'jwk',
});
const header = { alg: 'EdDSA', typ: 'sealwire-config+jws', kid: pin };
const payload = payloadWith();

/** Signs as `jose` does, with whatever protected header. */
async function signByJose(
  protectedHeader: Record<string, unknown> = header,
  content = JSON.stringify(payload),
) {
  const jws = new GeneralSign(bytesOf(content));
  jws.addSignature(privateKey).setProtectedHeader(protectedHeader as typeof header);
  return (await jws.sign()) as unknown as Jws;
}

const verify = (jws: unknown, identities: readonly string[] | undefined = [pin]) =>
  verifyConfiguration(bytesOf(JSON.stringify(jws)), { identities, origin, now });

test('jose verifies what we sign', async () => {
  const text = await signConfiguration(payload, [identity]);
  const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x: b64u(pub) }, 'EdDSA');
  const { payload: seen, protectedHeader } = await generalVerify(JSON.parse(text), key);
  assert.equal(JSON.parse(Buffer.from(seen).toString()), payload);
  assert.equal(protectedHeader, header);
});

test('jose verifies each of several signatures', async () => {
  const second = await generateEd25519();
  const text = await signConfiguration(payload, [identity, await importEd25519(second.seed, second.pub)]);
  for (const x of [pub, second.pub]) {
    const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x: b64u(x) }, 'EdDSA');
    await generalVerify(JSON.parse(text), key);
  }
});

test('we verify what jose signs', async () => {
  assert.equal((await verify(await signByJose())).payload, payload);
  const { alg, typ, kid } = header;
  await verify(await signByJose({ kid, typ, alg }));
});

test('a protected header with a member more, less or of another value is refused', async () => {
  await verify(await signByJose());
  const { alg, typ, kid } = header;
  for (const other of [
    { ...header, cty: 'json' },
    { ...header, jku: 'https://attacker.example/keys' },
    { ...header, jwk: { kty: 'OKP', crv: 'Ed25519', x: b64u(pub) } },
    { ...header, x5u: 'https://attacker.example/x' },
    { ...header, nonce: '1' },
    { alg, typ },
    { alg, kid },
    { ...header, typ: 'JWT' },
    { ...header, typ: 'sealwire-config' },
    { ...header, kid: pin.slice(3) },
    { ...header, kid: `${pin} ` },
    { ...header, kid: '' },
  ]) {
    const jws = await signByJose(other);
    assert.is(await refusalCode(() => verify(jws)), 'configuration-invalid', JSON.stringify(other));
    assert.is(
      await refusalCode(() => verify(jws, undefined)),
      'configuration-invalid',
      JSON.stringify(other),
    );
  }
});

test('a critical header and an unencoded payload are refused', async () => {
  const jws = new GeneralSign(bytesOf(JSON.stringify(payload)));
  jws
    .addSignature(privateKey, { crit: { b64: true } })
    .setProtectedHeader({ ...header, crit: ['b64'], b64: true });
  assert.is(await refusalCode(async () => verify(await jws.sign())), 'configuration-invalid');
  await verify(await signByJose());
});

test('an unprotected header is refused, beside the signature or for all', async () => {
  const jws = await signByJose();
  await verify(jws);
  const [first] = jws.signatures as [Jws['signatures'][number]];
  for (const other of [
    { ...jws, signatures: [{ ...first, header: {} }] },
    { ...jws, signatures: [{ ...first, header: { kid: pin } }] },
    { ...jws, header: { kid: pin } },
  ]) {
    assert.is(await refusalCode(() => verify(other)), 'configuration-invalid');
  }
});

test('another algorithm is refused, also under the pinned name', async () => {
  await verify(await signByJose());
  const forge = (alg: string, signature: string) => ({
    payload: b64u(JSON.stringify(payload)),
    signatures: [{ protected: b64u(JSON.stringify({ ...header, alg })), signature }],
  });
  for (const alg of ['none', 'HS256', 'ES256', 'RS256', 'Ed25519', 'eddsa', '']) {
    for (const signature of ['AA', b64u(new Uint8Array(64)), b64u(pub)]) {
      const code = await refusalCode(() => verify(forge(alg, signature)));
      assert.is(code, 'configuration-invalid', alg);
    }
  }
  // HS256 with the public key as the secret, and ES256 with a key of its own, signed for good.
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (const [alg, key] of [
    ['HS256', pub],
    ['ES256', ec.privateKey],
  ] as const) {
    const jws = new GeneralSign(bytesOf(JSON.stringify(payload)));
    jws.addSignature(key).setProtectedHeader({ ...header, alg });
    assert.is(await refusalCode(async () => verify(await jws.sign())), 'configuration-invalid', alg);
  }
});

test('the signature covers the protected header', async () => {
  const jws = await signByJose();
  const other = await signByJose({ kid: header.kid, alg: header.alg, typ: header.typ });
  await verify(jws);
  const [a, b] = [jws.signatures[0], other.signatures[0]] as [
    Jws['signatures'][number],
    Jws['signatures'][number],
  ];
  const swapped = { payload: jws.payload, signatures: [{ protected: b.protected, signature: a.signature }] };
  assert.is(await refusalCode(() => verify(swapped)), 'identity-mismatch');
});

test('a valid signature is found whatever stands beside it in the general form of a JWS', async () => {
  const jws = await signByJose();
  const [good] = jws.signatures as [Jws['signatures'][number]];
  const wrong = { protected: good.protected, signature: b64u(new Uint8Array(64)) };
  const short = { protected: good.protected, signature: 'AA' };
  for (const signatures of [
    [wrong, good],
    [good, wrong],
    [short, good],
    [good, short],
    [wrong, short, wrong, good],
  ]) {
    await verify({ ...jws, signatures });
  }
  assert.is(await refusalCode(() => verify({ ...jws, signatures: [wrong, short] })), 'identity-mismatch');
});

test('what stands beside the valid signature is judged alike before and behind it', async () => {
  const jws = await signByJose();
  const [good] = jws.signatures as [Jws['signatures'][number]];
  const [foreign] = (await signByJose({ ...header, more: 1 })).signatures as [Jws['signatures'][number]];
  await verify(jws);
  const outcome = async (signatures: unknown) => {
    try {
      await verify({ ...jws, signatures });
      return 'taken';
    } catch {
      return 'refused';
    }
  };
  assert.is(await outcome([foreign, good]), await outcome([good, foreign]));
});

test.run();
