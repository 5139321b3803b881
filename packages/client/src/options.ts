import {
  type Maybe,
  parsePin,
  SealwireError,
  type Signer,
  type SuiteName,
  suiteByName,
  suites,
} from '@sealwire/core';
import type { Inspector } from './inspect.ts';

/** What a platform's fetch is given. */
export interface PlatformInit extends RequestInit {
  duplex?: 'half';
  /**
   * There where somebody asks for the progress of a whole body: to be told which share of it, from 0 to 1, was handed to
   * the network. The platform's own fetch takes no notice of it, `xhrFetch()` does.
   */
  onSent?: (share: number) => void;
}

/** The platform's fetch, or whatever stands for it. */
export type PlatformFetch = (input: string, init: PlatformInit) => Promise<Response>;

export interface Clock {
  /** Wall clock in milliseconds, as `Date.now`. */
  now(): number;
  /** A clock that nobody sets, in milliseconds, as `performance.now`. */
  monotonic(): number;
}

/**
 * A place that outlives the client: `localStorage`, a file, a database. What is kept is public: the signed key
 * configuration. A failure of it never breaks a call.
 */
export interface ConfigurationStorage {
  /** The text that was set last under this name. */
  get(name: string): Maybe<string | null | undefined>;
  set(name: string, text: string): Maybe<unknown>;
}

export interface SealedFetchOptions {
  /** The sealed origin: `https://api.example.com`. Relative URLs are resolved against it. */
  origin: string;
  /** The server's identity pin (`sw1…`), or several while it changes. */
  identity?: string | readonly string[];
  /** Spelt out where there is no pin: whoever ends TLS could be the server. */
  trust?: 'tls';
  /** Suites to use, the preferred first. Default: all, the post-quantum hybrid first. */
  suites?: readonly SuiteName[];
  /** Request fields beyond the server's list that may travel in clear; `'*'` for any. An entry may end in `*`. */
  outerFields?: readonly string[] | '*';
  /** What to do with URLs of other origins: `'refuse'` (default), or `'fetch'` them with the platform's fetch. */
  otherOrigins?: 'refuse' | 'fetch';
  /** A key that signs handshakes, so that the server knows this client: what createClientKey() resolves to. */
  clientKey?: Signer;
  /**
   * `'sealed'`: a `cookie` that a call sets, and the server's `set-cookie`, travel inside; what comes outside is nobody's.
   * For Node and native apps, with servers that do the same: a browser keeps its cookies outside.
   */
  cookies?: 'sealed';
  /** Default: the global `fetch`, looked up at each call. */
  fetch?: PlatformFetch;
  /**
   * The lowest `seq` of a key configuration that is taken: the one that was current when the application was built.
   * An older one is refused, also by a client that has seen none yet.
   */
  minSeq?: number;
  /** Where the newest key configuration is remembered, so that an older one is refused after a restart, too. */
  storage?: ConfigurationStorage;
  /** Lets `inspect()` work where NODE_ENV is `production`, too. */
  inspect?: 'production';
  /** For tests, and for applications that know the time better than the machine does. */
  clock?: Clock;
}

/** The options after validation, every one decided. */
export interface ClientSettings {
  readonly origin: string;
  readonly identities: readonly string[] | undefined;
  readonly suites: readonly SuiteName[];
  readonly outerFields: readonly string[];
  readonly fetchOtherOrigins: boolean;
  readonly clientKey: Signer | undefined;
  readonly sealCookies: boolean;
  readonly fetch: PlatformFetch;
  readonly minSeq: number;
  readonly storage: ConfigurationStorage | undefined;
  readonly inspect: 'production' | undefined;
  /** There as soon as somebody inspects. */
  inspector?: Inspector;
  readonly clock: Clock;
}

const known = new Set([
  'origin',
  'identity',
  'trust',
  'suites',
  'outerFields',
  'otherOrigins',
  'clientKey',
  'cookies',
  'fetch',
  'minSeq',
  'storage',
  'inspect',
  'clock',
]);

/** @throws SealwireError `invalid-option` */
export function resolveClientOptions(options: SealedFetchOptions): ClientSettings {
  if (typeof options !== 'object' || options === null) throw invalid('The options are an object.');
  for (const name of Object.keys(options)) {
    if (!known.has(name))
      throw invalid(`There is no option \`${name}\`; there are ${[...known].join(', ')}.`);
  }
  const { otherOrigins = 'refuse', outerFields = [], clientKey, clock, inspect } = options;
  if (otherOrigins !== 'refuse' && otherOrigins !== 'fetch')
    throw invalid("`otherOrigins` is 'refuse' or 'fetch'.");
  if (outerFields !== '*' && !Array.isArray(outerFields))
    throw invalid("`outerFields` is a list of names or '*'.");
  if (options.fetch !== undefined && typeof options.fetch !== 'function')
    throw invalid('`fetch` is a function.');
  if (clock !== undefined && (typeof clock?.now !== 'function' || typeof clock.monotonic !== 'function')) {
    throw invalid('`clock` has the methods now() and monotonic().');
  }
  if (clientKey !== undefined && typeof clientKey?.sign !== 'function')
    throw invalid('`clientKey` is a key: await createClientKey().');
  if (inspect !== undefined && inspect !== 'production') throw invalid("`inspect` is 'production'.");
  return {
    origin: resolveOrigin(options.origin),
    identities: resolveIdentities(options),
    suites: resolveSuites(options.suites),
    outerFields: outerFields === '*' ? ['*'] : outerFields.map((name) => String(name).toLowerCase()),
    fetchOtherOrigins: otherOrigins === 'fetch',
    clientKey,
    sealCookies: resolveCookies(options.cookies),
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    minSeq: resolveMinSeq(options.minSeq),
    storage: resolveStorage(options),
    inspect,
    clock: clock ?? { now: () => Date.now(), monotonic: () => performance.now() },
  };
}

function resolveOrigin(origin: unknown): string {
  try {
    const url = new URL(origin as string);
    if (url.origin === origin && /^https?:$/.test(url.protocol)) return origin;
  } catch {
    // Reported below.
  }
  throw invalid(`\`origin\` is ${JSON.stringify(origin)}; an origin looks like "https://api.example.com".`);
}

function resolveIdentities({ identity, trust }: SealedFetchOptions): readonly string[] | undefined {
  if (identity === undefined) {
    if (trust === 'tls') return undefined;
    throw invalid(
      "Give the server's pin as `identity`; the server prints it. Without one, say `trust: 'tls'`.",
    );
  }
  if (trust !== undefined) throw invalid('`identity` and `trust` exclude each other.');
  const pins: unknown = typeof identity === 'string' ? [identity] : identity;
  if (!Array.isArray(pins) || pins.length === 0) throw invalid('`identity` is a pin, or a list of pins.');
  pins.forEach(parsePin);
  return [...pins];
}

/** Of a page and of a worker: the platform adds its cookies outside, and shows nobody those that it gets. */
const isBrowser = () => 'document' in globalThis || 'importScripts' in globalThis;

function resolveCookies(cookies: unknown): boolean {
  if (cookies !== undefined && (cookies !== 'sealed' || isBrowser()))
    throw invalid("`cookies` is 'sealed', where no browser keeps them outside.");
  return cookies !== undefined;
}

function resolveMinSeq(minSeq = 0): number {
  if (!Number.isSafeInteger(minSeq) || minSeq < 0) throw invalid('`minSeq` is a whole number.');
  return minSeq;
}

function resolveStorage({ storage, trust }: SealedFetchOptions): ConfigurationStorage | undefined {
  if (storage === undefined) return undefined;
  if (typeof storage?.get !== 'function' || typeof storage.set !== 'function')
    throw invalid('`storage` has the methods get(name) and set(name, text).');
  // Whoever once ended TLS could have his own configuration remembered for ever.
  if (trust !== undefined) throw invalid('`storage` needs `identity`.');
  return storage;
}

function resolveSuites(names: readonly SuiteName[] | undefined): readonly SuiteName[] {
  const all = suites.map(({ name }) => name);
  if (names === undefined) return all;
  if (!Array.isArray(names) || names.length === 0) throw invalid('`suites` is a list of suites.');
  for (const name of names) {
    if (suiteByName(name) === undefined)
      throw invalid(`There is no suite ${JSON.stringify(name)}: ${all.join(', ')}.`);
  }
  return names;
}

function invalid(detail: string): SealwireError {
  return new SealwireError('invalid-option', detail);
}
