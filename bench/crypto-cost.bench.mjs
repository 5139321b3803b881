// What the cryptography of one 1 KiB exchange costs a server, in process: the request message opened and its head read,
// the response message sealed. Beside it the same with nothing but the primitives, which no server can do without.
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomFillSync } from 'node:crypto';
import {
  aeadSeal,
  decodeRequestHead,
  encodeRequestHead,
  encodeResponseHead,
  headLength,
  MemorySessionStore,
  messageNonceLength,
  RecordWriter,
  randomBytes,
  requestKeys,
  responseKeys,
} from '@sealwire/core';
// The parts of @sealwire/node that do this; they are not public.
import { MessageOpener } from '../packages/node/dist/message-opener.js';
import { MessageWriter } from '../packages/node/dist/message-writer.js';
import { orderJson } from './support/order.mjs';
import { takeTurns } from './support/rounds.mjs';
import { median, printTable, setting } from './support/table.mjs';

const rounds = setting('BENCH_ROUNDS', 12);
const milliseconds = setting('BENCH_SECONDS', 2) * 150;

const body = orderJson(1024);
const n = 7;

// A session as the server keeps it.
const store = new MemorySessionStore();
const now = Date.now();
const sid = 'AAAAAAAAAAAAAAAAAAAAAA';
const secret = randomBytes(64);
store.create(
  sid,
  { suite: 'X25519', kid: '', client: undefined, expires: now + 1e8, idle: 1e8 },
  secret,
  now,
);
const { master } = store.load(sid, now);

const request = sealRequest();

function sealRequest() {
  const head = encodeRequestHead({
    method: 'POST',
    scheme: 'https',
    authority: 'api.example.com',
    path: '/echo',
    fields: [
      ['content-type', 'application/json'],
      ['accept', '*/*'],
      ['accept-language', '*'],
      ['accept-encoding', 'gzip, deflate'],
      ['content-length', String(body.length)],
      ['sealwire-time', String(now)],
    ],
  });
  const nonce = randomBytes(messageNonceLength);
  const keys = requestKeys(master, n, nonce);
  const record = new RecordWriter(keys.baseNonce).next('final', head.length + body.length);
  const sealed = aeadSeal(keys.key, record.nonce, record.header, [head, body]);
  return Buffer.concat([nonce, record.header, ...sealed]);
}

function open() {
  const opener = new MessageOpener(master, n);
  opener.push(request);
  const record = opener.next();
  const plaintext = record.pieces[0];
  const length = headLength(plaintext);
  decodeRequestHead(plaintext.subarray(0, length));
  if (plaintext.length - length !== body.length) throw new Error('not the body');
  return opener.nonce;
}

function seal(nonceQ) {
  const head = encodeResponseHead({
    status: 200,
    fields: [
      ['x-powered-by', 'Express'],
      ['content-type', 'application/json; charset=utf-8'],
      ['content-length', String(body.length)],
      ['etag', 'W/"400-bFpHB9tQ6jVp7RRBHiVvVYBnCNY"'],
    ],
  });
  const nonce = randomBytes(messageNonceLength);
  return new MessageWriter(responseKeys(master, n, nonceQ, nonce), nonce, head).records(body, true);
}

const bareMaster = createSecretKey(secret);
const bareKey = createSecretKey(Buffer.from(randomBytes(32)));
const bareNonce = Buffer.alloc(12);
const bareInput = Buffer.alloc(64);
const bareBody = Buffer.alloc(body.length + 160);
const options = { authTagLength: 16 };
const bareSealed = bareSeal();

function bareSeal() {
  const cipher = createCipheriv('aes-256-gcm', bareKey, bareNonce, options);
  const ciphertext = cipher.update(bareBody);
  cipher.final();
  return { ciphertext, tag: cipher.getAuthTag() };
}

function primitives() {
  createHmac('sha512', bareMaster).update(bareInput).digest();
  const decipher = createDecipheriv('aes-256-gcm', bareKey, bareNonce, options);
  decipher.setAuthTag(bareSealed.tag);
  decipher.update(bareSealed.ciphertext);
  decipher.final();
  randomFillSync(new Uint8Array(messageNonceLength));
  createHmac('sha512', bareMaster).update(bareInput).digest();
  bareSeal();
}

const nonceQ = open();
const work = { exchange: () => seal(open()), open, seal: () => seal(nonceQ), primitives };
const results = takeTurns(work, { rounds, milliseconds });
const micro = Object.fromEntries(
  Object.entries(results).map(([name, values]) => [name, values.map((value) => value / 1000)]),
);
const row = (label, values) => [
  label,
  ...[Math.min(...values), median(values), Math.max(...values)].map(fixed),
];
const fixed = (value) => value.toFixed(2);

console.log('\nCryptography of one 1 KiB exchange at the server, us\n');
printTable([
  ['', 'min', 'median', 'max'],
  row('open request and seal response', micro.exchange),
  row('open request', micro.open),
  row('seal response', micro.seal),
  row('primitives alone', micro.primitives),
]);
const overheads = micro.exchange.map((value, round) => value / micro.primitives[round]);
console.log(`\n  exchange / primitives: median ${median(overheads).toFixed(2)}`);
// Sessions in memory are swept by a timer.
store.end(sid);
