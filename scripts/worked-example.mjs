// Makes docs/worked-example.json: one handshake and one exchange in the X25519 suite, with every secret in the open.
// `node --import tsx --conditions=sealwire-source scripts/worked-example.mjs`; then put the values into PROTOCOL.md.
// A test recomputes all of it from the values alone.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { decodeBase64Url, encodeBase64Url } from '../packages/core/src/base64url.ts';
import { utf8 } from '../packages/core/src/bytes.ts';
import { aeadSeal, hmacSha512, importAeadKey, importMaster } from '../packages/core/src/crypto.node.ts';
import { exportMaster, exportReplyPsk, helloInfo, replyInfo } from '../packages/core/src/handshake.ts';
import { loadCipherSuite, setupRecipient, setupSender } from '../packages/core/src/hpke.ts';
import { answerHandshake, encodeRequestHead, encodeResponseHead } from '../packages/core/src/index.ts';
import { requestKeyInput, responseKeyInput, splitKeyMaterial } from '../packages/core/src/key-schedule.ts';
import { computeKid } from '../packages/core/src/kid.ts';
import { MemorySessionStore } from '../packages/core/src/memory-store.ts';
import { RecordWriter } from '../packages/core/src/records.ts';
import { suiteByName } from '../packages/core/src/suites.ts';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const suite = suiteByName('X25519');
const hpke = await loadCipherSuite(suite);
const now = 1_790_000_000_000;

const serverPair = await hpke.GenerateKeyPair(true);
const serverPub = await hpke.SerializePublicKey(serverPair.publicKey);
const kid = await computeKid(suite.kem, serverPub);
const clientPair = await hpke.GenerateKeyPair(true);
const clientPub = await hpke.SerializePublicKey(clientPair.publicKey);

const { enc, ctx } = await setupSender(suite, serverPub, { info: helloInfo(suite, kid) });
const hello = JSON.stringify({ eph: encodeBase64Url(clientPub), time: now });
const sealed = await ctx.Seal(utf8(hello));
const request = JSON.stringify({
  v: 1,
  kid,
  suite: suite.id,
  enc: encodeBase64Url(enc),
  sealed: encodeBase64Url(sealed),
});
const reply = await answerHandshake(utf8(request), {
  findKey: () => ({ kid, suite, pair: serverPair }),
  store: new MemorySessionStore(),
  now,
  maxAge: 86_400_000,
  maxIdle: 3_600_000,
});
const { enc: enc2, sealed: sealed2 } = JSON.parse(Buffer.from(reply).toString());
const psk = await exportReplyPsk(ctx);
const info = await replyInfo(utf8(request));
const replyCtx = await setupRecipient(suite, clientPair, decodeBase64Url(enc2), { info, psk });
const welcome = Buffer.from(await replyCtx.Open(decodeBase64Url(sealed2))).toString();
const master = await exportMaster(replyCtx);
const { sid } = JSON.parse(welcome);

/** Keys and the sealed message of one final record. */
function seal(input, nonce, plaintext) {
  const block = hmacSha512(importMaster(master), input);
  const { key, baseNonce } = splitKeyMaterial(block);
  const record = new RecordWriter(baseNonce).next('final', plaintext.length);
  const ciphertext = aeadSeal(importAeadKey(key), record.nonce, record.header, [plaintext]);
  const message = Buffer.concat([nonce, record.header, ...ciphertext]);
  return {
    nonce: hex(nonce),
    key: hex(key),
    baseNonce: hex(baseNonce),
    plaintext: hex(plaintext),
    message: hex(message),
  };
}

const n = 5;
const requestBody = utf8('{"item":"tea"}');
const requestHead = encodeRequestHead({
  method: 'POST',
  scheme: 'https',
  authority: 'api.example.com',
  path: '/orders?draft=1',
  fields: [
    ['content-type', 'application/json'],
    ['content-length', String(requestBody.length)],
    ['sealwire-time', String(now + 1500)],
  ],
});
const nonceQ = randomBytes(32);
const nonceP = randomBytes(32);
const responseBody = utf8('{"id":17}');
const responseHead = encodeResponseHead({
  status: 201,
  fields: [
    ['content-type', 'application/json; charset=utf-8'],
    ['content-length', String(responseBody.length)],
  ],
});

const example = {
  suite: suite.id,
  serverPrivateKey: hex(await hpke.SerializePrivateKey(serverPair.privateKey)),
  serverPublicKey: hex(serverPub),
  kid,
  clientEphemeralPrivateKey: hex(await hpke.SerializePrivateKey(clientPair.privateKey)),
  hello,
  handshakeRequest: request,
  handshakeReply: Buffer.from(reply).toString(),
  psk: hex(psk),
  welcome,
  master: hex(master),
  header: `v=1;s=${sid};n=${n}`,
  n,
  request: seal(requestKeyInput(n, nonceQ), nonceQ, Buffer.concat([requestHead, requestBody])),
  response: seal(responseKeyInput(n, nonceQ, nonceP), nonceP, Buffer.concat([responseHead, responseBody])),
};
writeFileSync(
  new URL('../docs/worked-example.json', import.meta.url),
  `${JSON.stringify(example, null, 2)}\n`,
);
