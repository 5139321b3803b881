import { createHash } from 'node:crypto';
import { Aes256Gcm, CipherSuite as CoreSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
import { XWing } from '@hpke/hybridkem-x-wing';
import * as noble from '@panva/hpke-noble';
import { CipherSuite as PanvaSuite } from 'hpke';

// Both sides of the handshake written from the protocol's text alone: nothing of src is used here, and HPKE, KEM and
// KDF are other implementations.

export interface Context {
  seal(plaintext: Uint8Array): Promise<Uint8Array>;
  open(ciphertext: Uint8Array): Promise<Uint8Array>;
  export(context: Uint8Array, length: number): Promise<Uint8Array>;
}

export interface HpkeKey {
  readonly pub: Uint8Array;
  /** SetupBaseR, or SetupPSKR where a psk is given. */
  recipient(enc: Uint8Array, info: Uint8Array, psk?: Uint8Array): Promise<Context>;
}

export interface HpkeLibrary {
  readonly name: string;
  generate(kem: number): Promise<HpkeKey>;
  /** SetupBaseS, or SetupPSKS where a psk is given. */
  sender(
    kem: number,
    pub: Uint8Array,
    info: Uint8Array,
    psk?: Uint8Array,
  ): Promise<Context & { enc: Uint8Array }>;
}

const ascii = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const exact = (bytes: Uint8Array) => bytes.slice().buffer as ArrayBuffer;
const b64u = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const unb64u = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'));
const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest());
const wrongSide = async () => {
  throw new Error('not on this side');
};

const pskId = ascii('sealwire/1 reply psk id');

function coreSuite(kem: number): CoreSuite {
  const kems = { 16: DhkemP256HkdfSha256, 32: DhkemX25519HkdfSha256, 25722: XWing };
  const Kem = kems[kem as keyof typeof kems];
  return new CoreSuite({ kem: new Kem(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
}

function corePsk(psk: Uint8Array | undefined) {
  return psk === undefined ? {} : { psk: { id: exact(pskId), key: exact(psk) } };
}

/** hpke-js: shares nothing with `hpke`, not even the key schedule. */
export const hpkeJs: HpkeLibrary = {
  name: '@hpke/core',
  async generate(kem) {
    const suite = coreSuite(kem);
    const pair = await suite.kem.generateKeyPair();
    return {
      pub: new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey)),
      async recipient(enc, info, psk) {
        const params = { recipientKey: pair, enc: exact(enc), info: exact(info), ...corePsk(psk) };
        const context = await suite.createRecipientContext(params);
        return {
          seal: wrongSide,
          open: async (ciphertext) => new Uint8Array(await context.open(exact(ciphertext))),
          export: async (label, length) => new Uint8Array(await context.export(exact(label), length)),
        };
      },
    };
  },
  async sender(kem, pub, info, psk) {
    const suite = coreSuite(kem);
    const recipientPublicKey = await suite.kem.deserializePublicKey(exact(pub));
    const context = await suite.createSenderContext({
      recipientPublicKey,
      info: exact(info),
      ...corePsk(psk),
    });
    return {
      enc: new Uint8Array(context.enc),
      seal: async (plaintext) => new Uint8Array(await context.seal(exact(plaintext))),
      open: wrongSide,
      export: async (label, length) => new Uint8Array(await context.export(exact(label), length)),
    };
  },
};

function panvaSuite(kem: number): PanvaSuite {
  const kems = {
    16: noble.KEM_DHKEM_P256_HKDF_SHA256,
    32: noble.KEM_DHKEM_X25519_HKDF_SHA256,
    25722: noble.KEM_MLKEM768_X25519,
  };
  return new PanvaSuite(kems[kem as keyof typeof kems], noble.KDF_HKDF_SHA256, noble.AEAD_AES_256_GCM);
}

const panvaPsk = (psk: Uint8Array | undefined) => (psk === undefined ? {} : { psk, pskId });

/** `hpke` with every primitive in JavaScript. */
export const hpkeNoble: HpkeLibrary = {
  name: '@panva/hpke-noble',
  async generate(kem) {
    const suite = panvaSuite(kem);
    const pair = await suite.GenerateKeyPair();
    return {
      pub: await suite.SerializePublicKey(pair.publicKey),
      async recipient(enc, info, psk) {
        const context = await suite.SetupRecipient(pair, enc, { info, ...panvaPsk(psk) });
        return {
          seal: wrongSide,
          open: (ciphertext) => context.Open(ciphertext),
          export: (label, length) => context.Export(label, length),
        };
      },
    };
  },
  async sender(kem, pub, info, psk) {
    const suite = panvaSuite(kem);
    const publicKey = await suite.DeserializePublicKey(pub);
    const { encapsulatedSecret, ctx } = await suite.SetupSender(publicKey, { info, ...panvaPsk(psk) });
    return {
      enc: encapsulatedSecret,
      seal: (plaintext) => ctx.Seal(plaintext),
      open: wrongSide,
      export: (label, length) => ctx.Export(label, length),
    };
  },
};

export const libraries: readonly HpkeLibrary[] = [hpkeJs, hpkeNoble];

function suiteBytes(kem: number): Uint8Array {
  return Uint8Array.of(kem >> 8, kem & 0xff, 0x00, 0x01, 0x00, 0x02);
}

export function kidOf(kem: number, pub: Uint8Array): Uint8Array {
  return sha256(join(ascii('sealwire/1 kid\0'), Uint8Array.of(kem >> 8, kem & 0xff), pub));
}

const helloInfo = (kem: number, kid: Uint8Array) => join(ascii('sealwire/1 hello\0'), suiteBytes(kem), kid);
const replyInfo = (body: Uint8Array) => join(ascii('sealwire/1 reply\0'), sha256(body));
const parse = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString('utf8'));
const json = (value: unknown) => ascii(JSON.stringify(value));

/** What a client key signs. */
export function statement(
  kem: number,
  kid: Uint8Array,
  about: { enc: Uint8Array; eph: Uint8Array; alg: string; pub: Uint8Array; time: number },
): Uint8Array {
  const lv = (bytes: Uint8Array) => join(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes);
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(about.time));
  const { enc, eph, alg, pub } = about;
  const transcript = [suiteBytes(kem), kid, lv(enc), lv(eph), lv(ascii(alg)), lv(pub), time];
  return join(ascii('sealwire/1 client\0'), sha256(join(...transcript)));
}

export interface OracleClientOptions {
  readonly library: HpkeLibrary;
  readonly kem: number;
  readonly pub: Uint8Array;
  readonly time: number;
  /** Changes the hello before it is sealed. */
  hello?(hello: Record<string, unknown>, about: { enc: Uint8Array; eph: Uint8Array }): unknown;
  /** Changes the request before it is sent. */
  request?(request: Record<string, unknown>): unknown;
}

/** The client's side: a body to send, and the reply opened in PSK mode (or, to show that it fails, in base mode). */
export async function oracleClient({ library, kem, pub, time, hello, request }: OracleClientOptions) {
  const kid = kidOf(kem, pub);
  const first = await library.sender(kem, pub, helloInfo(kem, kid));
  const ephemeral = await library.generate(kem);
  const said = { eph: b64u(ephemeral.pub), time };
  const changed = (await hello?.(said, { enc: first.enc, eph: ephemeral.pub })) ?? said;
  const sent = {
    v: 1,
    kid: b64u(kid),
    suite: Buffer.from(suiteBytes(kem)).toString('hex'),
    enc: b64u(first.enc),
    sealed: b64u(await first.seal(json(changed))),
  };
  const body = json(request?.(sent) ?? sent);
  return {
    body,
    async open(answer: Uint8Array, mode: 'psk' | 'base' = 'psk') {
      const reply = parse(answer) as { v: number; enc: string; sealed: string };
      const psk = mode === 'psk' ? await first.export(ascii('sealwire/1 reply psk'), 32) : undefined;
      const second = await ephemeral.recipient(unb64u(reply.enc), replyInfo(body), psk);
      const welcome = parse(await second.open(unb64u(reply.sealed))) as Record<string, unknown>;
      return { reply, welcome, master: await second.export(ascii('sealwire/1 master'), 64) };
    },
  };
}

export interface OracleServerOptions {
  readonly library: HpkeLibrary;
  readonly kem: number;
  readonly key: HpkeKey;
  readonly welcome: Record<string, unknown>;
  /** Replaces the psk; `undefined` is base mode. */
  psk?(psk: Uint8Array): Uint8Array | undefined;
}

/** The server's side: what the client said, and the reply to it. */
export async function oracleServer(body: Uint8Array, options: OracleServerOptions) {
  const { library, kem, key, welcome } = options;
  const request = parse(body) as Record<'kid' | 'suite' | 'enc' | 'sealed', string> & { v: number };
  const first = await key.recipient(unb64u(request.enc), helloInfo(kem, kidOf(kem, key.pub)));
  const hello = parse(await first.open(unb64u(request.sealed))) as {
    eph: string;
    time: number;
    client?: { alg: string; pub: string; sig: string };
  };
  const derived = await first.export(ascii('sealwire/1 reply psk'), 32);
  const psk = options.psk === undefined ? derived : options.psk(derived);
  const second = await library.sender(kem, unb64u(hello.eph), replyInfo(body), psk);
  const sealed = b64u(await second.seal(json(welcome)));
  return {
    request,
    hello,
    answer: json({ v: 1, enc: b64u(second.enc), sealed }),
    master: await second.export(ascii('sealwire/1 master'), 64),
  };
}
