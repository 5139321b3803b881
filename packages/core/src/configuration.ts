import * as valid from '#validators';
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';
import { fromUtf8, utf8 } from './bytes.ts';
import { SealwireError } from './errors.ts';
import { formatPin, parsePin } from './identity.ts';
import { parseJson } from './json.ts';
import { computeKid } from './kid.ts';
import type { ConfigurationPayload, Jws } from './schemas.ts';
import { type Signer, verifySignature } from './signatures.ts';
import { type Suite, suiteByKem } from './suites.ts';

/** Where every server answers with its signed key configuration. */
export const configurationPath = '/.well-known/sealwire';
export const defaultHandshakePath = '/.well-known/sealwire/handshake';
/** RFC 7515, section 9.2.2. */
export const configurationType = 'application/jose+json';
/** Longest signed configuration a client reads, in bytes. */
export const maxConfigurationLength = 65_536;

const day = 86_400_000;
/** How far two wall clocks may disagree about `iat` and `exp`. */
export const clockTolerance = 5 * 60_000;
const maxLifetime = 7 * day;

/** A KEM key that a client may use, out of a verified configuration. */
export interface UsableKey {
  readonly kid: string;
  readonly suite: Suite;
  readonly pub: Uint8Array;
}

/** A key configuration whose signature, audience and form were checked. */
export interface Configuration {
  readonly payload: ConfigurationPayload;
  /** The payload as it was signed, to tell two configurations apart. */
  readonly signed: string;
}

/** What a client holds a configuration against, whatever the time is. */
export interface ConfigurationTrust {
  /** Pinned identities. `undefined`: any signature will do, TLS alone vouches for the server (`trust: 'tls'`). */
  readonly identities: readonly string[] | undefined;
  /** The origin that the client calls. */
  readonly origin: string;
}

export interface ConfigurationCheck extends ConfigurationTrust {
  /** Wall clock, milliseconds. */
  readonly now: number;
}

/** Signs a configuration, one signature per identity: a JWS in general JSON serialisation. */
export async function signConfiguration(
  payload: ConfigurationPayload,
  identities: readonly Signer[],
): Promise<string> {
  const encoded = encodeBase64Url(utf8(JSON.stringify(payload)));
  const signatures: Jws['signatures'] = [];
  for (const identity of identities) {
    const header = encodeBase64Url(utf8(protectedHeader(formatPin(identity.pub))));
    const signature = await identity.sign(utf8(`${header}.${encoded}`));
    signatures.push({ protected: header, signature: encodeBase64Url(signature) });
  }
  return JSON.stringify({ payload: encoded, signatures } satisfies Jws);
}

function protectedHeader(kid: string): string {
  return JSON.stringify({ alg: 'EdDSA', typ: 'sealwire-config+jws', kid });
}

/**
 * Verifies a signed configuration as docs/PROTOCOL.md, Key configuration, says.
 * @throws SealwireError `configuration-invalid`, `identity-mismatch`, `audience-mismatch`, `configuration-expired`
 */
export async function verifyConfiguration(
  bytes: Uint8Array,
  check: ConfigurationCheck,
): Promise<Configuration> {
  const configuration = await openConfiguration(bytes, check);
  checkTimes(configuration, check.now);
  return configuration;
}

/**
 * Verifies everything about a signed configuration but whether it is valid now.
 * @throws SealwireError `configuration-invalid`, `identity-mismatch`, `audience-mismatch`
 */
export async function openConfiguration(
  bytes: Uint8Array,
  { identities, origin }: ConfigurationTrust,
): Promise<Configuration> {
  const jws = parseJws(bytes);
  await verifySignatures(jws, identities);
  const payload = parsePayload(jws);
  if (!payload.aud.includes(origin)) {
    throw new SealwireError('audience-mismatch', `It does not name ${origin}; see the option \`origins\`.`);
  }
  const { iat, exp } = payload;
  if (exp <= iat || exp - iat > maxLifetime) {
    throw new SealwireError('configuration-invalid', 'It is valid for more than 7 days, or for no time.');
  }
  return { payload, signed: jws.payload };
}

/**
 * What a signed configuration says, and the pins that its signatures name: of the right form, and nothing verified. To
 * show somebody what is there, never to use it.
 * @throws SealwireError `configuration-invalid`
 */
export function readUnverified(bytes: Uint8Array): {
  payload: ConfigurationPayload;
  named: string[];
} {
  const jws = parseJws(bytes);
  return {
    payload: parsePayload(jws),
    named: jws.signatures.map((entry) => signingIdentity(entry.protected)),
  };
}

function parseJws(bytes: Uint8Array): Jws {
  return parseJson<Jws>(bytes, maxConfigurationLength, valid.jws, 'configuration-invalid');
}

function parsePayload({ payload }: Jws): ConfigurationPayload {
  return parseJson<ConfigurationPayload>(
    decodeSigned(payload),
    maxConfigurationLength,
    valid.configuration,
    'configuration-invalid',
  );
}

/** One valid signature of a pinned identity suffices; without pins, one valid signature. */
async function verifySignatures(jws: Jws, identities: readonly string[] | undefined): Promise<void> {
  const found = jws.signatures.map((entry) => signingIdentity(entry.protected));
  for (const [index, entry] of jws.signatures.entries()) {
    const pin = found[index] as string;
    if (identities !== undefined && !identities.includes(pin)) continue;
    const data = utf8(`${entry.protected}.${jws.payload}`);
    if (await verifySignature('Ed25519', parsePin(pin), data, decodeSigned(entry.signature))) return;
  }
  if (identities === undefined) throw new SealwireError('configuration-invalid', 'Its signature is wrong.');
  throw new SealwireError(
    'identity-mismatch',
    `Expected ${identities.join(' or ')}, found ${found.join(' and ')}. ` +
      'If the server changed its identity, ship the new pin beside the old one first.',
  );
}

/** The pin in a protected header that has exactly the members and the form that signConfiguration gives it. */
function signingIdentity(encoded: string): string {
  try {
    const header = JSON.parse(fromUtf8(decodeSigned(encoded))) as Record<string, unknown>;
    const { alg, typ, kid } = header;
    parsePin(kid);
    if (alg === 'EdDSA' && typ === 'sealwire-config+jws' && Object.keys(header).length === 3)
      return kid as string;
  } catch {
    // Reported below.
  }
  throw new SealwireError(
    'configuration-invalid',
    'Its protected header is not the one of a key configuration.',
  );
}

function decodeSigned(text: string): Uint8Array<ArrayBuffer> {
  try {
    return decodeBase64Url(text);
  } catch (cause) {
    throw new SealwireError('configuration-invalid', undefined, { cause });
  }
}

/** @throws SealwireError `configuration-expired` outside of its time, which says by how much */
export function checkTimes({ payload: { iat, exp } }: Configuration, now: number): void {
  const off = now < iat - clockTolerance ? iat - now : now >= exp + clockTolerance ? now - exp : 0;
  if (off > 0) {
    const side = now < iat ? 'behind its beginning' : 'past its end';
    throw new SealwireError(
      'configuration-expired',
      `The clock of this machine is ${Math.round(off / 1000)} s ${side}.`,
    );
  }
}

/**
 * The keys that can be used now, in the order of the configuration; ids are recomputed, unknown KEMs skipped.
 * @throws SealwireError `configuration-invalid` for a key whose id or form is wrong
 */
export async function usableKeys(payload: ConfigurationPayload, now: number): Promise<UsableKey[]> {
  const usable: UsableKey[] = [];
  for (const key of payload.keys) {
    const suite = suiteByKem(key.kem);
    if (suite === undefined || !key.suites.includes(suite.id)) continue;
    const pub = decodeSigned(key.pub);
    if (pub.length !== suite.pubLength || (await computeKid(key.kem, pub)) !== key.kid) {
      throw new SealwireError('configuration-invalid', 'The id of a key is not the hash of the key.');
    }
    if (now >= key.nbf - clockTolerance && now < key.exp + clockTolerance)
      usable.push({ kid: key.kid, suite, pub });
  }
  return usable;
}
