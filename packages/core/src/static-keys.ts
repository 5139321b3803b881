import { decodeBase64Url, encodeBase64Url } from './base64url.ts';
import { utf8 } from './bytes.ts';
import { defaultHandshakePath, signConfiguration } from './configuration.ts';
import { SealwireError } from './errors.ts';
import { formatPin } from './identity.ts';
import type { Maybe } from './primitives.ts';
import type { ConfigurationKey } from './schemas.ts';
import { generateKemKey, importKemKey, type ServerKemKey } from './server-kem-key.ts';
import { generateEd25519, importEd25519, type Signer, verifySignature } from './signatures.ts';
import { type SuiteName, suites } from './suites.ts';

/** What the signed configuration says beside keys and times. */
export interface ConfigurationSubject {
  readonly aud: readonly string[];
  readonly fields: readonly string[];
}

export interface PublishedConfiguration {
  /** The JWS, to be answered byte for byte. */
  readonly body: string;
  /** For how long a cache may keep it, in milliseconds. */
  readonly maxAge: number;
}

/** What a server needs of its keys, wherever they are kept. */
export interface ServerKeys {
  /** The KEM key with this id, if handshakes may use it now. */
  findKey(kid: string): Maybe<ServerKemKey | undefined>;
  /** The signed configuration to publish at `now` (milliseconds). */
  publish(subject: ConfigurationSubject, now: number): Maybe<PublishedConfiguration>;
  /** Pins of the identities that sign. */
  readonly pins: readonly string[];
  /** Calls the listener with the id of each KEM key whose sessions have to end at once. */
  onRevoked?(listener: (kid: string) => void): void;
}

const hour = 3_600_000;
const configurationLife = 24 * hour;
const resignAfter = hour;
const cacheAge = 5 * 60_000;
const maxSubjects = 64;

interface ExportedKeys {
  sealwire: 1;
  identity: { pub: string; seed: string };
  kem: { suite: SuiteName; pub: string; key: string }[];
}

/** One identity and one KEM key per suite, which do not change: for development, tests and small servers. */
export class StaticKeys implements ServerKeys {
  readonly #identity: Signer;
  readonly #keys: Map<string, ServerKemKey>;
  readonly #published = new Map<string, { at: number; body: Promise<string> }>();

  private constructor(identity: Signer, keys: readonly ServerKemKey[]) {
    this.#identity = identity;
    this.#keys = new Map(keys.map((key) => [key.kid, key]));
  }

  /** New keys for the suites named, the preferred first. */
  static async generate(names: readonly SuiteName[] = suites.map(({ name }) => name)): Promise<StaticKeys> {
    return StaticKeys.import(await StaticKeys.generateExported(names));
  }

  /** New keys as a text that {@link StaticKeys.import} takes. It holds every secret of the server. */
  static async generateExported(
    names: readonly SuiteName[] = suites.map(({ name }) => name),
  ): Promise<string> {
    const { seed, pub } = await generateEd25519();
    const exported: ExportedKeys = {
      sealwire: 1,
      identity: { pub: encodeBase64Url(pub), seed: encodeBase64Url(seed) },
      kem: [],
    };
    for (const name of names) {
      const { pub, secret } = await generateKemKey(name);
      exported.kem.push({ suite: name, pub: encodeBase64Url(pub), key: encodeBase64Url(secret) });
    }
    return JSON.stringify(exported);
  }

  /**
   * The keys in a text of {@link StaticKeys.generateExported}.
   * @throws SealwireError `invalid-option`
   */
  static async import(text: string): Promise<StaticKeys> {
    try {
      const exported = JSON.parse(text) as ExportedKeys;
      if (exported.sealwire !== 1) throw new TypeError('another version');
      const identity = await importIdentity(exported.identity);
      // One after the other: what throws at once would leave promises behind whose failure nobody hears.
      const keys: ServerKemKey[] = [];
      for (const { suite, pub, key } of exported.kem)
        keys.push(await importKemKey(suite, decodeBase64Url(pub), decodeBase64Url(key)));
      return new StaticKeys(identity, keys);
    } catch {
      // No cause: it could quote a part of the text.
      throw new SealwireError(
        'invalid-option',
        'The text is not what StaticKeys.generateExported() returned.',
      );
    }
  }

  get pins(): readonly string[] {
    return [formatPin(this.#identity.pub)];
  }

  findKey(kid: string): ServerKemKey | undefined {
    return this.#keys.get(kid);
  }

  async publish(subject: ConfigurationSubject, now: number): Promise<PublishedConfiguration> {
    const about = JSON.stringify([subject.aud, subject.fields]);
    let published = this.#published.get(about);
    if (published === undefined || now - published.at >= resignAfter || now < published.at) {
      if (this.#published.size >= maxSubjects) this.#published.clear();
      published = { at: now, body: this.#sign(subject, now) };
      this.#published.set(about, published);
    }
    // Jitter, so that the clients of a popular page do not come back all at once.
    return { body: await published.body, maxAge: Math.round(cacheAge * (0.5 + Math.random() / 2)) };
  }

  #sign(subject: ConfigurationSubject, now: number): Promise<string> {
    const exp = now + configurationLife;
    const keys: ConfigurationKey[] = [...this.#keys.values()].map(({ kid, suite, pub }) => ({
      kid,
      kem: suite.kem,
      pub: encodeBase64Url(pub),
      suites: [suite.id],
      nbf: now,
      exp,
    }));
    const { aud, fields } = subject;
    return signConfiguration(
      {
        v: 1,
        aud: [...aud],
        seq: now,
        iat: now,
        exp,
        handshake: defaultHandshakePath,
        fields: [...fields],
        keys,
      },
      [this.#identity],
    );
  }
}

async function importIdentity({ pub, seed }: ExportedKeys['identity']): Promise<Signer> {
  const identity = await importEd25519(decodeBase64Url(seed), decodeBase64Url(pub));
  // The two halves have to belong together, or no client would take what is signed.
  const probe = utf8('sealwire');
  if (!(await verifySignature('Ed25519', identity.pub, probe, await identity.sign(probe)))) {
    throw new TypeError('not a key pair');
  }
  return identity;
}
