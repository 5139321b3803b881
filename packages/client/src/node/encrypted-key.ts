import { createCipheriv, type KeyObject, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';

// PKCS#8 encrypted under a passphrase (RFC 8018, PBES2), with scrypt (RFC 7914) where Node offers PBKDF2 only.

/** Cost of scrypt, its block size and parallelisation: 16 MiB, and about a tenth of a second. */
const cost = { N: 2 ** 14, r: 8, p: 5 };

const oids = {
  pbes2: '2a864886f70d01050d',
  scrypt: '2b06010401da47040b',
  aes256Cbc: '60864801650304012a',
} as const;

const scryptKey = promisify<string, Buffer, number, typeof cost, Buffer>(scrypt);

/** The private key as PEM that whoever knows the passphrase can read: Node, OpenSSL 1.1 and later. */
export async function encryptPrivateKey(key: KeyObject, passphrase: string): Promise<string> {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const secret = await scryptKey(passphrase, salt, 32, cost);
  const plain = key.export({ type: 'pkcs8', format: 'der' });
  const cipher = createCipheriv('aes-256-cbc', secret, iv);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  secret.fill(0);
  plain.fill(0);
  const kdf = sequence(
    oid('scrypt'),
    sequence(octets(salt), integer(cost.N), integer(cost.r), integer(cost.p)),
  );
  const scheme = sequence(oid('aes256Cbc'), octets(iv));
  const der = sequence(sequence(oid('pbes2'), sequence(kdf, scheme)), octets(encrypted));
  const lines = der.toString('base64').replace(/(.{64})(?=.)/g, '$1\n');
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${lines}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
}

// DER (X.690), as much of it as that takes: nothing here is as long as 65,536 bytes.

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const header =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...header]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function octets(content: Buffer): Buffer {
  return tagged(0x04, content);
}

function oid(name: keyof typeof oids): Buffer {
  return tagged(0x06, Buffer.from(oids[name], 'hex'));
}

function integer(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  // A first bit that is set would make it negative.
  return tagged(0x02, (bytes[0] as number) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}
