import { readFileSync } from 'node:fs';
import { Agent as TlsAgent } from 'node:https';
import { type GatewayOptions, nodeFetch } from '@sealwire/client/node';
import { fileFailure, usage } from './failure.ts';
import type { Flags, FlagTable } from './flags.ts';

/** Flags of how a server is reached, whoever it is. */
export const reachFlags = {
  'connect-to': { value: 'URL', text: 'connect there; the server is still called by its own name' },
  cacert: { value: 'FILE', text: 'authorities, in PEM, that may vouch for the server in TLS' },
  insecure: { short: 'k', text: 'take any certificate in TLS; the pin alone says who the server is' },
} as const satisfies FlagTable;

/** Flags of every command that talks to a sealed server. */
export const connectionFlags = {
  identity: { value: 'PIN', text: "the server's pin (sw1…), or several; default: $SEALWIRE_IDENTITY" },
  'trust-tls': { text: 'instead of a pin: whoever ends TLS could be the server' },
  'outer-fields': { value: 'NAMES', text: "request fields, a,b or '*', that may travel in clear" },
  suite: { value: 'NAMES', text: 'suites to use, the preferred first: MLKEM768-X25519, X25519, P-256' },
  ...reachFlags,
} as const satisfies FlagTable;

/**
 * Options of a gateway to an origin.
 * @throws Failure for flags that do not go together, or a file that cannot be read
 */
export function connectionOptions(
  flags: Flags,
  origin: string,
): GatewayOptions & { fetch: ReturnType<typeof nodeFetch> } {
  const outerFields = list(flags, 'outer-fields');
  const suites = list(flags, 'suite');
  return {
    origin,
    ...trust(flags),
    ...(outerFields.length > 0 && { outerFields: outerFields.includes('*') ? '*' : outerFields }),
    ...(suites.length > 0 && { suites: suites as NonNullable<GatewayOptions['suites']> }),
    fetch: fetchOf(flags, origin),
  };
}

/** The one ORIGIN that a command takes. */
export function originOf({ positionals: [given, ...others] }: Flags): string {
  if (given === undefined || others.length > 0) throw usage('Give one ORIGIN, like https://api.example.com.');
  // A slash at the end is how browsers write an origin.
  const origin = given.replace(/\/$/, '');
  if (URL.canParse(origin) && /^https?:/.test(origin) && new URL(origin).origin === origin) return origin;
  throw usage(`${given} is no origin. One looks like https://api.example.com.`);
}

/** The pins that were given, by a flag or in the environment. */
export function givenPins(flags: Flags): readonly string[] {
  const given = list(flags, 'identity');
  return given.length > 0 ? given : split(process.env.SEALWIRE_IDENTITY ?? '');
}

function trust(flags: Flags): Pick<GatewayOptions, 'identity' | 'trust'> {
  const given = list(flags, 'identity');
  if (flags.has('trust-tls')) {
    if (given.length > 0) throw usage('--identity and --trust-tls exclude each other.');
    if (flags.has('insecure'))
      throw usage('--trust-tls trusts the certificate that --insecure does not look at.');
    return { trust: 'tls' };
  }
  const identity = givenPins(flags);
  if (identity.length > 0) return { identity };
  throw usage(
    "Give the server's pin with --identity sw1… or in SEALWIRE_IDENTITY; without one, say --trust-tls.",
  );
}

/** A fetch that reaches an origin as the flags say. @throws Failure for a file that cannot be read */
export function fetchOf(flags: Flags, origin: string): ReturnType<typeof nodeFetch> {
  const connectTo = flags.last('connect-to');
  const file = flags.last('cacert');
  const secure = (connectTo ?? origin).startsWith('https:');
  const agent = new TlsAgent({
    keepAlive: true,
    ...(file !== undefined && { ca: readCertificates(file) }),
    rejectUnauthorized: !flags.has('insecure'),
  });
  return nodeFetch({ ...(secure && { agent }), ...(connectTo !== undefined && { connectTo }) });
}

function readCertificates(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw fileFailure(77, error);
  }
}

function list(flags: Flags, name: string): string[] {
  return flags.each(name).flatMap(split);
}

function split(text: string): string[] {
  return text.split(',').filter((part) => part !== '');
}
