import { createHmac } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needing } from '../../../test/support/needs.ts';
import { platforms } from './support/platforms.ts';
import { throws } from './support/refusal.ts';
import { hex, readWycheproof, toHex } from './support/vectors.ts';

const vectorTest = needing('vectors', test);

/** What DHKEM makes of a Diffie-Hellman result (RFC 9180, section 4.1), written out on HMAC-SHA256. */
function extractAndExpand(kem: number, dh: Uint8Array, enc: Uint8Array, pkR: Uint8Array): string {
  const suiteId = Buffer.concat([Buffer.from('KEM'), Buffer.from([kem >> 8, kem])]);
  const version = Buffer.from('HPKE-v1');
  const hmac = (key: Uint8Array, ...parts: Uint8Array[]) =>
    createHmac('sha256', key).update(Buffer.concat(parts)).digest();
  const prk = hmac(new Uint8Array(32), version, suiteId, Buffer.from('eae_prk'), dh);
  const length = Buffer.from([0, 32]);
  return hmac(
    prk,
    length,
    version,
    suiteId,
    Buffer.from('shared_secret'),
    enc,
    pkR,
    Buffer.from([1]),
  ).toString('hex');
}

interface X25519Case {
  readonly public: string;
  readonly private: string;
  readonly shared: string;
}

for (const { name, crypto } of platforms) {
  vectorTest(`X25519 gives what Wycheproof says and no all-zero secret (${name})`, async () => {
    const kem = (await crypto.loadKem(0x0020))();
    // DHKEM binds the recipient's public key, whichever is named: the private key's own is looked up below.
    const counts = { shared: 0, refused: 0 };
    for (const each of readWycheproof<X25519Case>('x25519_test.json')) {
      const enc = hex(each.public);
      const privateKey = await kem.DeserializePrivateKey(hex(each.private), false);
      const pkR = await x25519Public(each.private);
      const open = async () => kem.Decap(enc, privateKey, await kem.DeserializePublicKey(pkR));
      if (each.flags?.includes('ZeroSharedSecret')) {
        assert.ok(await throws(open), `case ${each.tcId}`);
        counts.refused++;
      } else {
        const expected = extractAndExpand(0x0020, hex(each.shared), enc, pkR);
        assert.is(toHex(await open()), expected, `case ${each.tcId}`);
        counts.shared++;
      }
    }
    assert.equal(counts, { shared: 487, refused: 31 });
  });

  vectorTest(`P-256 gives what Wycheproof says and takes no point beside the curve (${name})`, async () => {
    const kem = (await crypto.loadKem(0x0010))();
    const counts = { shared: 0, refused: 0 };
    for (const each of readWycheproof<P256Case>('ecdh_secp256r1_webcrypto_test.json')) {
      const enc = point(each.public);
      // Our points have 65 bytes and no curve beside them: a case that is about another curve's name does not apply.
      if (enc.length !== 65 || (each.public.crv !== 'P-256' && onP256.has(each.tcId))) continue;
      const decap = async () => {
        const privateKey = await kem.DeserializePrivateKey(scalar(each.private), false);
        return kem.Decap(enc, privateKey, await kem.DeserializePublicKey(point(each.private)));
      };
      if (each.result === 'valid') {
        const expected = extractAndExpand(0x0010, hex(each.shared), enc, point(each.private));
        assert.is(toHex(await decap()), expected, `case ${each.tcId}`);
        counts.shared++;
      } else {
        assert.ok(await throws(decap), `case ${each.tcId}`);
        counts.refused++;
      }
    }
    assert.equal(counts, { shared: 330, refused: 20 });
  });
}

interface Jwk {
  readonly crv: string;
  readonly x: string;
  readonly y: string;
  readonly d?: string;
}

interface P256Case {
  readonly public: Jwk;
  readonly private: Jwk;
  readonly shared: string;
}

/** Case 347 calls a point of P-256 one of another curve. */
const onP256 = new Set([347]);

function point({ x, y }: Jwk): Uint8Array<ArrayBuffer> {
  return new Uint8Array([4, ...Buffer.from(x, 'base64url'), ...Buffer.from(y, 'base64url')]);
}

function scalar({ d = '' }: Jwk): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(d, 'base64url'));
}

const basePoint = hex(`09${'00'.repeat(31)}`);

async function x25519Public(privateKey: string): Promise<Uint8Array<ArrayBuffer>> {
  const pkcs8 = hex(`302e020100300506032b656e04220420${privateKey}`);
  const sk = await crypto.subtle.importKey('pkcs8', pkcs8, 'X25519', false, ['deriveBits']);
  const pk = await crypto.subtle.importKey('raw', basePoint, 'X25519', false, []);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: pk }, sk, 256));
}

test.run();
