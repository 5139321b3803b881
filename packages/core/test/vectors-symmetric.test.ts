import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needing } from '../../../test/support/needs.ts';
import { concat } from '../src/bytes.ts';
import { platforms } from './support/platforms.ts';
import { refusalCode, throws } from './support/refusal.ts';
import { hex, readWycheproof, toHex } from './support/vectors.ts';

const vectorTest = needing('vectors', test);
const count = () => ({ valid: 0, invalid: 0, acceptable: 0 });

interface AeadCase {
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
  readonly keySize: number;
}

interface HkdfCase {
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly size: number;
  readonly okm: string;
}

interface MacCase {
  readonly key: string;
  readonly msg: string;
  readonly tag: string;
}

for (const { name, crypto } of platforms) {
  vectorTest(`AES-256-GCM seals and opens as Wycheproof says (${name})`, async () => {
    const counts = count();
    for (const each of readWycheproof<AeadCase>('aes_gcm_test.json')) {
      if (each.keySize !== 256) continue;
      const key = await crypto.importAeadKey(hex(each.key));
      const [iv, aad, msg, ct, tag] = [each.iv, each.aad, each.msg, each.ct, each.tag].map(hex) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      const open = () => crypto.aeadOpen(key, iv, aad, [ct], tag);
      if (each.result === 'valid') {
        assert.is(toHex(concat(...(await crypto.aeadSeal(key, iv, aad, [msg])))), each.ct + each.tag);
        assert.is(toHex(concat(...(await open()))), each.msg, `case ${each.tcId}`);
      } else {
        assert.is(await refusalCode(open), 'rejected', `case ${each.tcId}`);
      }
      counts[each.result]++;
    }
    assert.equal(counts, { valid: 39, invalid: 27, acceptable: 0 });
  });

  vectorTest(`HKDF-SHA256 extracts and expands as Wycheproof says (${name})`, async () => {
    const kdf = crypto.kdf();
    const counts = count();
    for (const { tcId, ikm, salt, info, size, okm, result } of readWycheproof<HkdfCase>(
      'hkdf_sha256_test.json',
    )) {
      const derive = async () => kdf.Expand(await kdf.Extract(hex(salt), hex(ikm)), hex(info), size);
      if (result === 'valid') assert.is(toHex(await derive()), okm, `case ${tcId}`);
      // RFC 5869, section 2.3: at most 255 blocks.
      else assert.ok(await throws(derive), `case ${tcId}: ${size} bytes`);
      counts[result]++;
    }
    assert.equal(counts, { valid: 83, invalid: 3, acceptable: 0 });
  });

  vectorTest(`HKDF-SHA256's extraction is HMAC-SHA256 as Wycheproof says (${name})`, async () => {
    const kdf = crypto.kdf();
    const counts = count();
    for (const { tcId, key, msg, tag, result } of readWycheproof<MacCase>('hmac_sha256_test.json')) {
      const mac = toHex(await kdf.Extract(hex(key), hex(msg))).slice(0, tag.length);
      if (result === 'valid') assert.is(mac, tag, `case ${tcId}`);
      else assert.is.not(mac, tag, `case ${tcId}`);
      counts[result]++;
    }
    assert.equal(counts, { valid: 66, invalid: 108, acceptable: 0 });
  });

  vectorTest(`HMAC-SHA512 makes the first block of HKDF-SHA512 as Wycheproof says (${name})`, async () => {
    let checked = 0;
    for (const { tcId, ikm, salt, info, size, okm } of readWycheproof<HkdfCase>('hkdf_sha512_test.json')) {
      if (size > 64) continue;
      // An empty salt is one of zeros (RFC 5869, section 2.2).
      const saltKey = await crypto.importMaster(salt === '' ? new Uint8Array(64) : hex(salt));
      const prk = await crypto.importMaster(await crypto.hmacSha512(saltKey, hex(ikm)));
      const block = await crypto.hmacSha512(prk, concat(hex(info), Uint8Array.of(1)));
      assert.is(toHex(block.subarray(0, size)), okm, `case ${tcId}`);
      checked++;
    }
    assert.is(checked, 72);
  });
}

test.run();
