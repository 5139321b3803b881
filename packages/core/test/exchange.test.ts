import { createCipheriv, createHmac, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { concat } from '../src/bytes.ts';
import {
  formatSealwireHeader,
  maxHeaderMessage,
  messageNonceLength,
  messageType,
  parseSealwireHeader,
} from '../src/exchange.ts';
import { requestKeyInput, responseKeyInput } from '../src/key-schedule.ts';
import { maxExchanges } from '../src/session-store.ts';
import { platforms } from './support/platforms.ts';
import { refusalCodeSync } from './support/refusal.ts';
import { toHex } from './support/vectors.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const number = fc.integer({ min: 0, max: maxExchanges - 1 });

/** HKDF-Expand (RFC 5869, section 2.3) with SHA-512, `length` octets. */
function expand(prk: Uint8Array, info: Uint8Array, length: number): string {
  let okm = Buffer.alloc(0);
  for (let i = 1, block = Buffer.alloc(0); okm.length < length; i++) {
    block = createHmac('sha512', prk)
      .update(block)
      .update(info)
      .update(Buffer.from([i]))
      .digest();
    okm = Buffer.concat([okm, block]);
  }
  return okm.subarray(0, length).toString('hex');
}

function info(direction: string, n: number, ...nonces: Uint8Array[]): Buffer {
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(n));
  return Buffer.concat([Buffer.from(`sealwire/1 ${direction}`), Buffer.from([0]), count, ...nonces]);
}

test('the expansion written here is the one of hkdfSync', () => {
  const [ikm, salt, about] = [Buffer.from('ikm'), Buffer.from('salt'), Buffer.from('info')];
  const prk = createHmac('sha512', salt).update(ikm).digest();
  const okm = Buffer.from(hkdfSync('sha512', ikm, salt, about, 200)).toString('hex');
  assert.is(expand(prk, about, 200), okm);
});

for (const { name, crypto } of platforms) {
  test(`keys of an exchange are HKDF-Expand-SHA512 of the master, 44 octets (${name})`, async () => {
    await fc.assert(
      fc.asyncProperty(bytes(64), number, bytes(32), bytes(32), async (master, n, nonceQ, nonceP) => {
        const key = await crypto.importMaster(master);
        for (const [input, about] of [
          [requestKeyInput(n, nonceQ), info('request', n, nonceQ)],
          [responseKeyInput(n, nonceQ, nonceP), info('response', n, nonceQ, nonceP)],
        ] as const) {
          const expected = Buffer.from(expand(master, about, 44), 'hex');
          const keys = await crypto.messageKeys(key, input);
          assert.is(toHex(keys.baseNonce), toHex(expected.subarray(32)));
          // The key itself does not show: what it seals does.
          const sealed = await crypto.aeadSeal(keys.key as never, nonceQ.slice(0, 12), nonceP, [master]);
          const cipher = createCipheriv('aes-256-gcm', expected.subarray(0, 32), nonceQ.slice(0, 12));
          cipher.setAAD(nonceP);
          const parts = [cipher.update(master), cipher.final(), cipher.getAuthTag()];
          assert.is(toHex(concat(...sealed)), toHex(concat(...parts)));
        }
      }),
      { numRuns: 50 },
    );
  });
}

test('no two exchanges, directions or nonces have keys in common', () => {
  const nonces = [new Uint8Array(32), new Uint8Array(32).fill(1)];
  const inputs = new Set<string>();
  for (const n of [0, 1, 255, 256, maxExchanges - 1]) {
    for (const nonceQ of nonces) {
      inputs.add(toHex(requestKeyInput(n, nonceQ)));
      for (const nonceP of nonces) inputs.add(toHex(responseKeyInput(n, nonceQ, nonceP)));
    }
  }
  assert.is(inputs.size, 5 * 2 * 3);
});

test('the constants are those of the protocol', () => {
  assert.is(messageType, 'application/vnd.sealwire');
  assert.is(messageNonceLength, 32);
  assert.is(maxHeaderMessage, 6144);
  assert.is(maxExchanges, 1_048_576);
});

const sid = 'abcdefghijklmnopqrst_A';

test('a header is read as it is written', () => {
  fc.assert(
    fc.property(
      bytes(16),
      number,
      fc.option(fc.uint8Array({ minLength: 1, maxLength: 200 })),
      (raw, n, message) => {
        const header = {
          sid: Buffer.from(raw).toString('base64url'),
          n,
          h: message === null ? undefined : Buffer.from(message).toString('base64url'),
        };
        assert.equal(parseSealwireHeader(formatSealwireHeader(header)), header);
      },
    ),
  );
  assert.is(formatSealwireHeader({ sid, n: 7, h: undefined }), `v=1;s=${sid};n=7`);
  assert.is(formatSealwireHeader({ sid, n: 0, h: 'AA' }), `v=1;s=${sid};n=0;h=AA`);
});

test('a header of any other form is malformed', () => {
  const good = `v=1;s=${sid};n=12`;
  assert.equal(parseSealwireHeader(good), { sid, n: 12, h: undefined });
  for (const value of [
    '',
    ' ',
    'v=1',
    `v=1;s=${sid}`,
    `v=1;s=${sid};n=`,
    `s=${sid};v=1;n=12`,
    `v=1;n=12;s=${sid}`,
    `v=1; s=${sid}; n=12`,
    ` ${good}`,
    `${good} `,
    `${good}\n`,
    `${good};`,
    `${good};x=1`,
    `${good};n=13`,
    `${good}, ${good}`,
    `${good},${good}`,
    `V=1;s=${sid};n=12`,
    `v=1;s="${sid}";n=12`,
    `v=1;s=${sid};n=+12`,
    `v=1;s=${sid};n=-1`,
    `v=1;s=${sid};n=012`,
    `v=1;s=${sid};n=00`,
    `v=1;s=${sid};n=1.0`,
    `v=1;s=${sid};n=1e3`,
    `v=1;s=${sid};n=0x1`,
    `v=1;s=${sid};n=１`,
    `v=1;s=${sid.slice(1)};n=12`,
    `v=1;s=${sid}A;n=12`,
    `v=1;s=${sid.slice(0, -1)}=;n=12`,
    `v=1;s=${sid.slice(0, -1)}+;n=12`,
    `${good};h=`,
    `${good};h=A=`,
    `${good};h=A A`,
    `${good};h=A;h=A`,
    `${good};H=A`,
    'v=;x',
    'v=a;x',
    'v=1;',
    'v=1 ;x',
    '1',
  ]) {
    assert.is(
      refusalCodeSync(() => parseSealwireHeader(value)),
      'malformed',
      JSON.stringify(value),
    );
  }
});

test('a session id is canonical base64url of 16 bytes', () => {
  for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
    const value = `v=1;s=${sid.slice(0, -1)}${last};n=0`;
    if ('AQgw'.includes(last)) assert.is(parseSealwireHeader(value).sid.slice(-1), last);
    else
      assert.is(
        refusalCodeSync(() => parseSealwireHeader(value)),
        'malformed',
        value,
      );
  }
});

test('an exchange number is below 2^20', () => {
  for (const n of [0, 1, 9, 10, 1_048_575]) assert.is(parseSealwireHeader(`v=1;s=${sid};n=${n}`).n, n);
  for (const n of [1_048_576, 1_048_577, 9_999_999, 10_000_000, 2 ** 53]) {
    assert.is(
      refusalCodeSync(() => parseSealwireHeader(`v=1;s=${sid};n=${n}`)),
      'malformed',
    );
  }
});

test('a message in the header has at most 6,144 characters', () => {
  const header = (length: number) => () => parseSealwireHeader(`v=1;s=${sid};n=0;h=${'A'.repeat(length)}`);
  for (const length of [1, 6144]) assert.is(header(length)().h?.length, length);
  for (const length of [0, 6145, 100_000]) assert.is(refusalCodeSync(header(length)), 'malformed');
});

test('another version is unsupported, whatever follows', () => {
  for (const value of [`v=2;s=${sid};n=12`, 'v=2;anything', 'v=10;', 'v=0;x', 'v=999999999;']) {
    assert.is(
      refusalCodeSync(() => parseSealwireHeader(value)),
      'unsupported-version',
      value,
    );
  }
});

test.run();
