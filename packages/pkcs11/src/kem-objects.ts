import { type Attribute, answerCode, type Cryptoki, ck, type Handle } from './cryptoki.ts';
import { p256, pointOf } from './ec-point.ts';
import { TokenFailure } from './failure.ts';

// KEM keys as objects of a token. This runs in the threads of worker.ts, and blocks them.

/** How a key is found: by its CKA_LABEL, by its CKA_ID (in hexadecimal), or by both. */
export interface KeyName {
  readonly label?: string;
  readonly id?: string;
}

export interface Session {
  readonly cryptoki: Cryptoki;
  readonly handle: Handle;
}

/** What a private key has to be; `needed`: tokens know it since the first version of the standard. */
const demands: readonly { name: keyof typeof ck; value: boolean; needed: boolean; why: string }[] = [
  { name: 'CKA_TOKEN', value: true, needed: true, why: 'it is gone with its session' },
  { name: 'CKA_SENSITIVE', value: true, needed: true, why: 'the token would show it in plaintext' },
  { name: 'CKA_EXTRACTABLE', value: false, needed: true, why: 'it can be taken out of the token' },
  { name: 'CKA_DERIVE', value: true, needed: true, why: 'it cannot do Diffie-Hellman' },
  {
    name: 'CKA_SIGN',
    value: false,
    needed: false,
    why: 'it can also sign, and has to serve one purpose only',
  },
  { name: 'CKA_LOCAL', value: true, needed: false, why: 'it was made elsewhere and imported' },
  { name: 'CKA_NEVER_EXTRACTABLE', value: true, needed: false, why: 'it could be taken out in the past' },
  { name: 'CKA_ALWAYS_SENSITIVE', value: true, needed: false, why: 'it could be read in the past' },
  { name: 'CKA_ALWAYS_AUTHENTICATE', value: false, needed: false, why: 'it wants the PIN for every use' },
];

/** Every object of a class with this name. */
function find({ cryptoki, handle }: Session, objectClass: number, { label, id }: KeyName): Handle[] {
  const template: Attribute[] = [{ type: ck.CKA_CLASS, value: objectClass }];
  if (label !== undefined) template.push({ type: ck.CKA_LABEL, value: label });
  if (id !== undefined) template.push({ type: ck.CKA_ID, value: Buffer.from(id, 'hex') });
  cryptoki.C_FindObjectsInit(handle, template);
  try {
    // Two are enough to tell that a name is ambiguous.
    return cryptoki.C_FindObjects(handle, 2);
  } finally {
    cryptoki.C_FindObjectsFinal(handle);
  }
}

/** An attribute; undefined if the token does not know it, or does not show it. */
function read({ cryptoki, handle }: Session, object: Handle, type: number): Buffer | undefined {
  try {
    return cryptoki.C_GetAttributeValue(handle, object, [{ type }])[0]?.value;
  } catch (error) {
    const code = answerCode(error);
    if (code === 'CKR_ATTRIBUTE_TYPE_INVALID' || code === 'CKR_ATTRIBUTE_SENSITIVE') return undefined;
    throw error;
  }
}

/**
 * The private key with this name and its public point, 65 bytes.
 * @throws TokenFailure `no-key`, `unfit-key`
 */
export function findKey(session: Session, name: KeyName): { key: Handle; pub: Buffer } {
  const [key, another] = find(session, ck.CKO_PRIVATE_KEY, name);
  if (key === undefined) throw new TokenFailure('no-key', 'The token has no such private key.');
  if (another !== undefined)
    throw new TokenFailure('unfit-key', 'The token has several such keys: name it by its `id`.');
  checkKey(session, key);
  return { key, pub: publicPoint(session, key, name) };
}

function checkKey(session: Session, key: Handle): void {
  const curve = read(session, key, ck.CKA_EC_PARAMS);
  if (curve === undefined || !curve.equals(p256))
    throw new TokenFailure('unfit-key', 'It is no key of P-256: generate one with generateKemKey().');
  for (const { name, value, needed, why } of demands) {
    const found = read(session, key, ck[name]);
    if (found === undefined ? needed : found[0] !== Number(value)) {
      const remedy = 'generate one with generateKemKey()';
      throw new TokenFailure('unfit-key', `Its ${name} is not ${value}, ${why}: ${remedy}.`);
    }
  }
}

/** Most tokens keep it in the public key only, which has the same CKA_ID. */
function publicPoint(session: Session, key: Handle, name: KeyName): Buffer {
  const own = read(session, key, ck.CKA_EC_POINT);
  if (own !== undefined && own.length > 0) return pointOf(own);
  const id = read(session, key, ck.CKA_ID);
  const wanted = id === undefined || id.length === 0 ? name : { id: id.toString('hex') };
  const [other, another] = find(session, ck.CKO_PUBLIC_KEY, wanted);
  const point = other && read(session, other, ck.CKA_EC_POINT);
  if (point === undefined || another !== undefined)
    throw new TokenFailure('unfit-key', 'The token does not have exactly one public key that goes with it.');
  return pointOf(point);
}

/**
 * Makes a key of P-256 in the token, which it never leaves. The session has to be one that may write.
 * @throws TokenFailure `key-exists`
 */
export function generateKey(session: Session, label: string, id: string): void {
  for (const name of [{ label }, { id }])
    if (find(session, ck.CKO_PRIVATE_KEY, name).length > 0)
      throw new TokenFailure('key-exists', 'The token has a private key with this label or id already.');
  const names: Attribute[] = [
    { type: ck.CKA_TOKEN, value: true },
    { type: ck.CKA_LABEL, value: label },
    { type: ck.CKA_ID, value: Buffer.from(id, 'hex') },
  ];
  session.cryptoki.C_GenerateKeyPair(
    session.handle,
    { mechanism: ck.CKM_EC_KEY_PAIR_GEN, parameter: null },
    [...names, { type: ck.CKA_PRIVATE, value: false }, { type: ck.CKA_EC_PARAMS, value: p256 }],
    [
      ...names,
      { type: ck.CKA_PRIVATE, value: true },
      { type: ck.CKA_SENSITIVE, value: true },
      { type: ck.CKA_EXTRACTABLE, value: false },
      { type: ck.CKA_DERIVE, value: true },
      { type: ck.CKA_SIGN, value: false },
      { type: ck.CKA_DECRYPT, value: false },
      { type: ck.CKA_UNWRAP, value: false },
    ],
  );
}

/** The x coordinate that the key and a peer's point have in common, 32 bytes. */
export function derive({ cryptoki, handle }: Session, key: Handle, peer: Uint8Array): Buffer {
  // The standard has every token take the point as it is (PKCS#11 2.40, 2.3.8).
  const parameter = { type: ck.CK_PARAMS_EC_DH, kdf: ck.CKD_NULL, publicData: Buffer.from(peer) };
  // It may be read, because it is not the key but what one handshake has in common with its client: HKDF turns it into
  // the secrets of that handshake here, where they are used. It says nothing about the key or another handshake.
  const secret = cryptoki.C_DeriveKey(handle, { mechanism: ck.CKM_ECDH1_DERIVE, parameter }, key, [
    { type: ck.CKA_CLASS, value: ck.CKO_SECRET_KEY },
    { type: ck.CKA_KEY_TYPE, value: ck.CKK_GENERIC_SECRET },
    { type: ck.CKA_TOKEN, value: false },
    { type: ck.CKA_PRIVATE, value: true },
    { type: ck.CKA_SENSITIVE, value: false },
    { type: ck.CKA_EXTRACTABLE, value: true },
    { type: ck.CKA_VALUE_LEN, value: 32 },
  ]);
  try {
    const [attribute] = cryptoki.C_GetAttributeValue(handle, secret, [{ type: ck.CKA_VALUE }]);
    return (attribute as { value: Buffer }).value;
  } finally {
    cryptoki.C_DestroyObject(handle, secret);
  }
}
