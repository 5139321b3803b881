// The record layer alone on 64 KiB records: what core adds to a loop that does nothing but AES-256-GCM.
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import {
  aeadOpen,
  aeadSeal,
  importAeadKey,
  maxRecordPlaintext,
  RecordReader,
  RecordWriter,
} from '@sealwire/core';
import { ratios, takeTurns } from './support/rounds.mjs';
import { printTable, setting, spread } from './support/table.mjs';

const rounds = setting('BENCH_ROUNDS', 12);
const milliseconds = setting('BENCH_SECONDS', 2) * 150;
const recordCount = 64;
/** What a socket hands over at a time. */
const readLength = 65_536;

const keyBytes = randomBytes(32);
const bareKey = createSecretKey(keyBytes);
const key = importAeadKey(keyBytes);
const baseNonce = new Uint8Array(randomBytes(12));
const body = randomBytes(recordCount * maxRecordPlaintext);
const options = { authTagLength: 16 };

/** The body's record with this index. */
function plaintext(index) {
  return body.subarray(index * maxRecordPlaintext, (index + 1) * maxRecordPlaintext);
}

function seal() {
  const records = new RecordWriter(baseNonce);
  const pieces = [];
  for (let i = 0; i < recordCount; i++) {
    const kind = i === recordCount - 1 ? 'final' : 'more';
    const { header, nonce } = records.next(kind, maxRecordPlaintext);
    pieces.push(header, ...aeadSeal(key, nonce, header, [plaintext(i)]));
  }
  return pieces;
}

function sealBare() {
  const pieces = [];
  for (let i = 0; i < recordCount; i++) {
    const cipher = createCipheriv('aes-256-gcm', bareKey, bareNonce(i), options);
    pieces.push(cipher.update(plaintext(i)));
    cipher.final();
    pieces.push(cipher.getAuthTag());
  }
  return pieces;
}

const message = Buffer.concat(seal());
const bare = sealBare();

function open() {
  const reader = new RecordReader(baseNonce);
  let length = 0;
  for (let at = 0; at < message.length; at += readLength) {
    reader.push(message.subarray(at, at + readLength));
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      for (const piece of aeadOpen(key, frame.nonce, frame.header, frame.parts, frame.tag))
        length += piece.length;
    }
  }
  reader.end();
  if (length !== body.length) throw new Error('not all of the body came back');
}

function openBare() {
  for (let i = 0; i < recordCount; i++) {
    const decipher = createDecipheriv('aes-256-gcm', bareKey, bareNonce(i), options);
    decipher.setAuthTag(bare[2 * i + 1]);
    decipher.update(bare[2 * i]);
    decipher.final();
  }
}

function bareNonce(index) {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(index, 8);
  return nonce;
}

const results = takeTurns({ open, openBare, seal, sealBare }, { rounds, milliseconds });
const speed = (name, round) => ((body.length / results[name][round]) * 1000) / 1.048576;
const mebibytes = (name, round) => speed(name, round).toFixed(0);
const opening = ratios(results.open, results.openBare);
const sealing = ratios(results.seal, results.sealBare);

console.log(`\nRecord layer of core vs. a bare cipher loop, 64 KiB records, MiB/s\n`);
printTable([
  ['round', 'open', 'bare', 'ratio', 'seal', 'bare', 'ratio'],
  ...opening.map((_, round) => [
    String(round + 1),
    mebibytes('open', round),
    mebibytes('openBare', round),
    opening[round].toFixed(3),
    mebibytes('seal', round),
    mebibytes('sealBare', round),
    sealing[round].toFixed(3),
  ]),
]);
console.log(`
  opening, core / bare:   ${spread(opening, 3)}
  sealing, core / bare:   ${spread(sealing, 3)}`);
