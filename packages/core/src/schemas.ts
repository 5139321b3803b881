import type { Schema } from './fits.ts';

// JSON Schemas of every JSON message. `pnpm --filter @sealwire/core schemas` compiles them to validators.js, by which Node
// judges; in browsers fits.ts judges by the schemas themselves. Tests compare both with ajv. Each is a constant of its
// own, so that a client's bundle has those of the client only.

const b64u: Schema = { type: 'string', pattern: '^[A-Za-z0-9_-]+$' };
const b64u32: Schema = { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' };
const time: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const suite: Schema = { type: 'string', pattern: '^[0-9a-f]{12}$' };
const strings: Schema = { type: 'array', items: { type: 'string' } };

/* @__NO_SIDE_EFFECTS__ */
function object(properties: Record<string, Schema>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', additionalProperties: false, required, properties };
}

/** General JSON serialisation of a JWS (RFC 7515, section 7.2.1), without unprotected headers. */
export interface Jws {
  payload: string;
  signatures: { protected: string; signature: string }[];
}

/** Payload of the signed key configuration. Times in milliseconds. */
export interface ConfigurationPayload {
  v: 1;
  aud: string[];
  seq: number;
  iat: number;
  exp: number;
  /** Path of the handshake endpoint. */
  handshake: string;
  /** Names of sealed fields beyond the table of fields.ts; an entry may end in `*`. */
  fields: string[];
  keys: ConfigurationKey[];
}

export interface ConfigurationKey {
  kid: string;
  kem: number;
  pub: string;
  suites: string[];
  nbf: number;
  exp: number;
}

/** Body of the handshake request. */
export interface HandshakeRequest {
  v: 1;
  kid: string;
  suite: string;
  enc: string;
  sealed: string;
}

/** What the client says in it. */
export interface Hello {
  eph: string;
  time: number;
  client?: { alg: 'Ed25519' | 'ES256'; pub: string; sig: string };
}

/** Body of the handshake response. */
export interface HandshakeReply {
  v: 1;
  enc: string;
  sealed: string;
}

/** What the server says in it. `expires` is server time, `idle` a duration, `time` the server's clock. */
export interface Welcome {
  v: 1;
  sid: string;
  expires: number;
  idle: number;
  time: number;
}

const version: Schema = { const: 1 };

export const jws = object({
  payload: b64u,
  signatures: {
    type: 'array',
    minItems: 1,
    maxItems: 4,
    items: object({ protected: b64u, signature: b64u }),
  },
});

export const configuration = object({
  v: version,
  aud: strings,
  seq: time,
  iat: time,
  exp: time,
  handshake: { type: 'string', pattern: '^(/[A-Za-z0-9._~-]+)+$' },
  fields: strings,
  keys: {
    type: 'array',
    items: object({
      kid: b64u32,
      kem: { type: 'integer', minimum: 0, maximum: 0xffff },
      pub: b64u,
      suites: { type: 'array', items: suite },
      nbf: time,
      exp: time,
    }),
  },
});

export const handshakeRequest = object({ v: version, kid: b64u32, suite, enc: b64u, sealed: b64u });

export const hello = object(
  {
    eph: b64u,
    time,
    client: object({ alg: { enum: ['Ed25519', 'ES256'] }, pub: b64u, sig: b64u }),
  },
  ['client'],
);

export const handshakeReply = object({ v: version, enc: b64u, sealed: b64u });

export const welcome = object({
  v: version,
  sid: { type: 'string', pattern: '^[A-Za-z0-9_-]{21}[AQgw]$' },
  expires: time,
  idle: time,
  time,
});
