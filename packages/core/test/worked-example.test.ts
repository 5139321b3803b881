// Recomputes docs/worked-example.json from its values, with hpke's own KEM and KDF and nothing of ours, as a second
// implementation would after reading docs/PROTOCOL.md.
import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  AEAD_AES_256_GCM,
  CipherSuite,
  KDF_HKDF_SHA256,
  KEM_DHKEM_X25519_HKDF_SHA256,
  MODE_BASE,
  MODE_PSK,
} from 'hpke';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const docs = new URL('../../../docs/', import.meta.url);
const example = JSON.parse(readFileSync(new URL('worked-example.json', docs), 'utf8'));
const hpke = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const b64u = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
const ascii = (words: string) => new Uint8Array(Buffer.from(words, 'latin1'));
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const sha256 = (...parts: Uint8Array[]) =>
  new Uint8Array(
    createHash('sha256')
      .update(join(...parts))
      .digest(),
  );

async function keyPair(privateKey: string, publicKey: Uint8Array) {
  return {
    privateKey: await hpke.DeserializePrivateKey(hex(privateKey), true),
    publicKey: await hpke.DeserializePublicKey(publicKey),
  };
}

const request = JSON.parse(example.handshakeRequest);
const reply = JSON.parse(example.handshakeReply);

async function openHello() {
  const pair = await keyPair(example.serverPrivateKey, hex(example.serverPublicKey));
  const info = join(ascii('sealwire/1 hello\0'), hex(example.suite), b64u(example.kid));
  return hpke.SetupRecipient(pair, b64u(request.enc), { info });
}

async function openReply() {
  const hello = JSON.parse(example.hello);
  const pair = await keyPair(example.clientEphemeralPrivateKey, b64u(hello.eph));
  const info = join(ascii('sealwire/1 reply\0'), sha256(Buffer.from(example.handshakeRequest)));
  const options = { info, psk: hex(example.psk), pskId: ascii('sealwire/1 reply psk id') };
  return hpke.SetupRecipient(pair, b64u(reply.enc), options);
}

test('the id of the key is the hash of its KEM and its public half', () => {
  const kid = sha256(ascii('sealwire/1 kid\0'), hex('0020'), hex(example.serverPublicKey));
  assert.equal(Buffer.from(kid).toString('base64url'), example.kid);
  assert.equal(request.kid, example.kid);
});

test('the hello opens under the server key and exports the psk', async () => {
  const hello = await openHello();
  assert.is(hello.mode, MODE_BASE);
  assert.is(text(await hello.Open(b64u(request.sealed))), example.hello);
  assert.equal(await hello.Export(ascii('sealwire/1 reply psk'), 32), hex(example.psk));
});

test('the reply opens under the ephemeral key and the psk, and exports the master secret', async () => {
  const ctx = await openReply();
  assert.is(ctx.mode, MODE_PSK);
  assert.is(text(await ctx.Open(b64u(reply.sealed))), example.welcome);
  assert.equal(await ctx.Export(ascii('sealwire/1 master'), 64), hex(example.master));
});

for (const direction of ['request', 'response'] as const) {
  test(`the ${direction} opens under the keys of its exchange`, () => {
    const { nonce, key, baseNonce, plaintext, message } = example[direction];
    const n = Buffer.alloc(8);
    n.writeBigUInt64BE(BigInt(example.n));
    const nonces = direction === 'request' ? hex(nonce) : join(hex(example.request.nonce), hex(nonce));
    const info = join(ascii(`sealwire/1 ${direction}\0`), n, nonces, Uint8Array.of(1));
    const block = createHmac('sha512', hex(example.master)).update(info).digest();
    assert.is(block.subarray(0, 32).toString('hex'), key);
    assert.is(block.subarray(32, 44).toString('hex'), baseNonce);

    const sealed = Buffer.from(message, 'hex');
    assert.is(sealed.subarray(0, 32).toString('hex'), nonce);
    const header = sealed.subarray(32, 36);
    assert.is(header.readUInt32BE() >>> 31, 1, 'one record, and it is final');
    assert.is(header.readUInt32BE() & 0x1ffff, sealed.length - 36);
    const decipher = createDecipheriv('aes-256-gcm', hex(key), hex(baseNonce));
    decipher.setAAD(header);
    decipher.setAuthTag(sealed.subarray(-16));
    const opened = Buffer.concat([decipher.update(sealed.subarray(36, -16)), decipher.final()]);
    assert.is(opened.toString('hex'), plaintext);
  });
}

test('the heads say what the example says', () => {
  const [requestPlain, responsePlain] = [hex(example.request.plaintext), hex(example.response.plaintext)];
  assert.ok(text(requestPlain).includes('POST\x05https\x0fapi.example.com\x0f/orders?draft=1'));
  assert.ok(text(requestPlain).endsWith('{"item":"tea"}'));
  assert.is(((responsePlain[2] as number) & 0x3f) * 256 + (responsePlain[3] as number), 201);
  assert.ok(text(responsePlain).endsWith('{"id":17}'));
  assert.is(example.header, `v=1;s=${JSON.parse(example.welcome).sid};n=${example.n}`);
});

test('docs/PROTOCOL.md shows these values', () => {
  const shown = readFileSync(new URL('PROTOCOL.md', docs), 'utf8').replaceAll(/\n {4}/g, '');
  const values = [example, example.request, example.response].flatMap((part) => Object.values(part));
  for (const value of values) {
    if (typeof value !== 'string' || value === example.suite) continue;
    assert.ok(shown.includes(value), `${value.slice(0, 40)}… is not in PROTOCOL.md`);
  }
});

test.run();
