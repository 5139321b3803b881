import { createPrivateKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { temporaryFolder } from '../../../test/support/folders.ts';
import { itNeeding } from '../../../test/support/it-needing.ts';
import { fc } from '../../../test/support/properties.ts';
import { refusal } from '../../core/test/support/refusal.ts';
import { importKeyFile } from '../src/import-key-file.ts';
import { decodeKeyFile, encodeKeyFile } from '../src/key-file.ts';
import { checkSecret } from '../src/key-id.ts';
import { Passphrase } from '../src/passphrase.ts';
import { decryptPbes2, encryptPbes2 } from '../src/pbes2.ts';
import { decodePem, encodePem } from '../src/pem.ts';
import { decodePrivateKey, encodePrivateKey } from '../src/private-key-info.ts';
import { directoryWith, keyFile } from './support/folders.ts';
import { algorithms, type NewKey, newKey, passphrase } from './support/keys.ts';
import {
  encryptOpenssl,
  generateOpenssl,
  openssl,
  opensslAlgorithms,
  opensslPublic,
  scryptOptions,
} from './support/openssl.ts';

const phrase = new Passphrase(passphrase);
/** One salt for all of this file: one derivation. */
const salt = Buffer.alloc(16, 'salt');
const label = 'ENCRYPTED PRIVATE KEY';

const encode = ({ entry, secret }: NewKey) => encodeKeyFile(entry.alg, secret, phrase, salt);

/** The secret in a file, if it is that of the entry. */
async function load({ entry }: NewKey, text: string): Promise<Uint8Array> {
  const { alg, secret } = await decodeKeyFile(text, phrase, 'the file');
  assert.is(alg, entry.alg);
  await checkSecret(entry, secret, 'the file');
  return secret;
}

const withOpenssl = itNeeding('openssl');
const bytesOf = (pem: string) => decodePem(pem)?.bytes as Buffer;

for (const alg of algorithms)
  it(`a key of ${alg} comes back out of its file`, async () => {
    const key = await newKey(alg);
    assert.equal(await load(key, await encode(key)), key.secret);
  });

for (const alg of opensslAlgorithms) {
  withOpenssl(`openssl reads the file of a key of ${alg}`, async () => {
    const key = await newKey(alg);
    const { folder } = await directoryWith(key);
    const file = join(folder, keyFile(key));
    const pub = Buffer.from(key.entry.pub as string, 'base64url');
    assert.equal(opensslPublic(file, pub.length), pub);
    createPrivateKey({ key: await readFile(file), passphrase });
  });

  withOpenssl(`a key of ${alg} that openssl made and encrypted is imported`, async () => {
    const [folder, plain, encrypted] = await openPlaces();
    generateOpenssl(alg, plain);
    encryptOpenssl(plain, encrypted);
    const imported = await importKeyFile(encrypted, { passphrase });
    assert.is(imported.alg, alg);
    assert.equal(opensslPublic(plain, imported.pub.length), Buffer.from(imported.pub));
    // The same key again, in a file of ours, for openssl to compare.
    const own = join(folder, 'own.pem');
    await writeFile(own, await encodeKeyFile(alg, imported.secret, phrase, salt), { mode: 0o600 });
    assert.equal(openssl('pkey', '-in', own, '-passin', 'env:PASSPHRASE'), openssl('pkey', '-in', plain));
  });
}

async function openPlaces(): Promise<[string, string, string]> {
  const folder = temporaryFolder();
  return [folder, join(folder, 'plain.pem'), join(folder, 'encrypted.pem')];
}

for (const [what, options, problem] of [
  ['PBKDF2', ['-v2', 'aes-256-cbc', '-iter', '1000000'], /PBKDF2, not with scrypt/],
  ['a scrypt of N=8192', ['-scrypt', '-scrypt_N', '8192'], /weak scrypt/],
  ['a scrypt of r=4', ['-scrypt', '-scrypt_r', '4'], /weak scrypt/],
  ['a scrypt of r=16', ['-scrypt', '-scrypt_r', '16', '-scrypt_N', '1024'], /weak scrypt/],
  ['another cipher', [...scryptOptions, '-v2', 'aes-128-cbc'], /another cipher than AES-256-CBC/],
  ['the encryption of old versions', ['-v1', 'PBE-SHA1-3DES'], /is not encrypted with PBES2/],
] as const)
  withOpenssl(`a file that openssl encrypted with ${what} is refused`, async () => {
    const [, plain, encrypted] = await openPlaces();
    generateOpenssl('X25519', plain);
    encryptOpenssl(plain, encrypted, options);
    const error = await refusal(() => importKeyFile(encrypted, { passphrase }));
    assert.is(error.code, 'keys-invalid');
    assert.match(error.message, problem);
    assert.ok(error.message.includes(encrypted) && error.message.includes('openssl pkcs8'));
  });

withOpenssl('openssl with its default scrypt is strong enough', async () => {
  const [, plain, encrypted] = await openPlaces();
  generateOpenssl('Ed25519', plain);
  encryptOpenssl(plain, encrypted, ['-scrypt']);
  assert.is((await importKeyFile(encrypted, { passphrase })).alg, 'Ed25519');
});

withOpenssl('a key that is not encrypted is refused', async () => {
  const [, plain] = await openPlaces();
  generateOpenssl('X25519', plain);
  assert.match((await refusal(() => importKeyFile(plain, { passphrase }))).message, /is not encrypted/);
});

it('another passphrase does not open a file', async () => {
  const text = await encode(await newKey('X25519'));
  const other = new Passphrase(`${passphrase}!`);
  const error = await refusal(() => decodeKeyFile(text, other, 'the-file.pem'));
  assert.match(error.message, /the-file\.pem does not decrypt.*passphrase/);
});

it('a scrypt that costs too much is refused before it costs anything', async () => {
  const der = Buffer.from(await encryptPbes2(Buffer.alloc(32), phrase, salt));
  // N=16384, r=8, p=5 as they stand in it, and others of the same length.
  const written = '02024000020108020105';
  assert.is(der.toString('hex').split(written).length, 2);
  for (const [what, replaced] of [
    ['p=17', '02024000020108020111'],
    ['p=127', '0202400002010802017f'],
    ['r=9', '02024000020109020105'],
    ['r=127', '0202400002017f020105'],
  ] as const) {
    const changed = Buffer.from(der.toString('hex').replace(written, replaced), 'hex');
    const error = await refusal(() => decryptPbes2(changed, phrase, what));
    assert.match(error.message, /too costly/, what);
  }
  // A longer N makes the sequences longer that it stands in: this is what such a file says.
  const huge = await refusal(() => decryptPbes2(withCost(0x4000_0000), phrase, 'a huge N'));
  assert.match(huge.message, /too costly/);
  const odd = await refusal(() => decryptPbes2(withCost(100_000), phrase, 'an odd N'));
  assert.match(odd.message, /not an encrypted key in DER/);
});

/** EncryptedPrivateKeyInfo with some N, whose derivation nobody did. */
function withCost(N: number): Buffer {
  const cost = Buffer.alloc(4);
  cost.writeUInt32BE(N);
  const number = cost.subarray(cost.findIndex((octet) => octet > 0));
  const tlv = (tag: number, ...parts: Buffer[]) => {
    const contents = Buffer.concat(parts);
    return Buffer.concat([Buffer.of(tag, contents.length), contents]);
  };
  const hex = (text: string) => Buffer.from(text, 'hex');
  const scrypt = tlv(0x30, tlv(4, salt), tlv(2, number), hex('020108'), hex('020105'));
  const kdf = tlv(0x30, hex('06092b06010401da47040b'), scrypt);
  const scheme = tlv(0x30, hex('060960864801650304012a'), tlv(4, Buffer.alloc(16)));
  const pbes2 = tlv(0x30, hex('06092a864886f70d01050d'), tlv(0x30, kdf, scheme));
  return tlv(0x30, pbes2, tlv(4, Buffer.alloc(16)));
}

for (const alg of algorithms)
  it(`no bit of the encrypted body of a key of ${alg} can be flipped`, async () => {
    const key = await newKey(alg);
    const der = bytesOf(await encode(key));
    assert.equal(await load(key, encodePem(label, der)), key.secret);
    const bodyLength = Math.floor(encodePrivateKey(alg, key.secret).length / 16 + 1) * 16;
    let refused = 0;
    for (let bit = (der.length - bodyLength) * 8; bit < der.length * 8; bit++) {
      const error = await refusal(() => load(key, encodePem(label, flipped(der, bit))));
      assert.match(error.message, /the file (does not decrypt|does not hold)/, `bit ${bit}`);
      refused++;
    }
    assert.is(refused, alg === 'P-256' ? 1152 : 512);
  });

it('no bit of what stands before the body can be flipped', async () => {
  const key = await newKey('X25519');
  const der = bytesOf(await encode(key));
  const ivAt = der.length - 64 - 2 - 16;
  const saltAt = der.indexOf(salt);
  for (let bit = 0; bit < (der.length - 64) * 8; bit++) {
    // Each flip of the salt is a derivation of its own: the first and the last stand for all.
    if (bit > saltAt * 8 && bit < (saltAt + salt.length) * 8 - 1) continue;
    const error = await refusal(() => load(key, encodePem(label, flipped(der, bit))));
    assert.is(error.code, 'keys-invalid');
    if (bit >= ivAt * 8 && bit < (ivAt + 16) * 8) assert.match(error.message, /does not decrypt/);
  }
});

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}

it('the same key and passphrase never give the same file twice', async () => {
  const key = await newKey('X25519');
  assert.is.not(await encode(key), await encode(key));
  const secondSalt = bytesOf(await encodeKeyFile('X25519', key.secret, phrase)).subarray(0, 60);
  assert.not.ok(secondSalt.includes(salt));
});

it('every secret has one encoding as PKCS#8, and what is no such encoding is refused', () => {
  const cases = fc.record({
    alg: fc.constantFrom(...algorithms),
    secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    at: fc.nat(),
    octet: fc.nat({ max: 255 }),
  });
  fc.assert(
    fc.property(cases, ({ alg, secret, at, octet }) => {
      if (alg === 'P-256') secret[0] = 1; // a scalar of the group
      const der = Buffer.from(encodePrivateKey(alg, secret));
      assert.equal(decodePrivateKey(der), { alg, secret });
      assert.is(decodePrivateKey(der.subarray(0, -1)), undefined);
      assert.is(decodePrivateKey(Buffer.concat([der, Buffer.of(octet)])), undefined);
      der[at % der.length] = octet;
      const other = decodePrivateKey(der);
      if (other !== undefined) assert.equal(Buffer.from(encodePrivateKey(other.alg, other.secret)), der);
    }),
  );
});

it('a passphrase that is too short or too long, or none, is a mistake, which does not quote it', async () => {
  for (const wrong of ['', 'short', 'x'.repeat(1025), undefined, 1_234_567_890, {}]) {
    const { code, message } = await refusal(() => new Passphrase(wrong as string));
    assert.is(code, 'invalid-option');
    assert.not.match(message, '1234567890');
  }
});

test.run();
