import type { IncomingMessage } from 'node:http';
import {
  type AuditSink,
  type FieldSet,
  MemorySessionStore,
  parseFieldList,
  SealwireError,
  type ServerKeys,
  type SessionStore,
  StaticKeys,
  sealedRequestFields,
} from '@sealwire/core';
import { Admission } from './admission.ts';
import { type Recorder, resolveAudit } from './audit.ts';
import { clientAddress } from './client-address.ts';
import { type AllowClients, type Clients, resolveClients } from './clients.ts';
import { type Forwarding, resolveForwarding } from './forwarding.ts';
import { Revocation } from './revocation.ts';

export interface SealwireOptions {
  /** The server's keys. Required in production; elsewhere ephemeral ones are made and their pin is printed. */
  keys?: ServerKeys;
  /**
   * The origins that clients call, as their browser spells them: `https://api.example.com`. Required in production;
   * elsewhere the `Host` of each request decides.
   */
  origins?: readonly string[];
  /** `require` (default) refuses plaintext requests, `allow` passes them on without `req.sealed`. */
  policy?: 'require' | 'allow';
  /** Names of request fields to seal beyond the table of docs/PROTOCOL.md; an entry may end in `*`. */
  fields?: readonly string[];
  /**
   * The beginning of the path that a proxy in front takes away, for instance `/api`: what clients call as `/api/orders`
   * arrives, and is routed, as `/orders`. Sealed requests for other paths are refused.
   */
  stripPrefix?: string;
  /**
   * What a proxy in front puts before the path, after stripping: what clients call as `/orders` arrives, and is routed,
   * as `/v1/orders`.
   */
  addPrefix?: string;
  /** `true`: a proxy in front changes queries. They are not compared; the application sees the sealed one. */
  ignoreQuery?: boolean;
  /** Where sessions are kept. Default: in the memory of this process. */
  store?: SessionStore;
  /**
   * True if this process is the only one that serves these origins, so that an exchange of a session unknown to it was
   * never executed. Without a `store` of your own, which decides it otherwise. Default false.
   */
  sole?: boolean;
  /**
   * The clients that may do a handshake, by the thumbprints of their keys: a list, a file, or a function that returns
   * what the application shall know of the client (`req.sealed.identity`) or undefined, within 5 seconds. All others,
   * those without a key too, are refused with `client-refused`. Default: every client is taken.
   */
  allowClients?: AllowClients;
  /**
   * `'sealed'`: `Cookie` and `Set-Cookie` of sealed exchanges travel inside, for clients that are no browsers. A browser
   * keeps its cookies outside, where they are then removed.
   */
  cookies?: 'sealed';
  /**
   * How many proxies of yours stand in front, each of which appends to `X-Forwarded-For`. It decides only whose
   * handshakes come last when there are too many. Default 0: the address of the connection.
   */
  trustedProxies?: number;
  /** Where security events go, one or several; `@sealwire/audit` has sinks. None of them holds up a request. */
  audit?: AuditSink | readonly AuditSink[];
  /** Server time in milliseconds, for tests. Default `Date.now`. */
  clock?: () => number;
}

/** The options after validation, every one decided. */
export interface Settings {
  readonly keys: ServerKeys | Promise<ServerKeys>;
  /** `undefined`: development, where the `Host` of a request decides. */
  readonly origins: ReadonlySet<string> | undefined;
  readonly requireSealed: boolean;
  readonly fields: readonly string[];
  readonly sealedFields: FieldSet;
  readonly forwarding: Forwarding;
  readonly store: SessionStore;
  readonly revocation: Revocation;
  /** `undefined`: every client is taken. */
  readonly clients: Clients | undefined;
  /** True if `set-cookie` is sealed. */
  readonly sealCookies: boolean;
  readonly now: () => number;
  /** `undefined`: nobody wants to hear of events. */
  readonly record: Recorder | undefined;
  /** Does work of a request's handshake when its turn has come; `remote`, if it waits for a key that is kept elsewhere. */
  readonly admit: <T>(req: IncomingMessage, work: () => Promise<T>, remote: boolean) => Promise<T>;
}

const known = [
  'keys',
  'origins',
  'policy',
  'fields',
  'stripPrefix',
  'addPrefix',
  'ignoreQuery',
  'store',
  'sole',
  'allowClients',
  'cookies',
  'trustedProxies',
  'audit',
  'clock',
];

/** @throws SealwireError `invalid-option`, `keys-required`, `origins-required` */
export function resolveOptions(options: SealwireOptions = {}): Settings {
  if (typeof options !== 'object' || options === null) throw invalid('The options are an object.');
  for (const name of Object.keys(options)) if (!known.includes(name)) throw unknownOption(name);
  const { policy = 'require', clock = Date.now, fields = [], cookies } = options;
  if (policy !== 'require' && policy !== 'allow') throw invalid("`policy` is 'require' or 'allow'.");
  if (typeof clock !== 'function') throw invalid('`clock` is a function that returns milliseconds.');
  if (cookies !== undefined && cookies !== 'sealed') throw invalid("`cookies` is 'sealed'.");
  const listed = [...parseFieldList(fields), ...(cookies === undefined ? [] : ['cookie'])];
  const store = resolveStore(options.store, options.sole);
  const record = resolveAudit(options.audit, clock);
  const revocation = new Revocation(store, clock, record);
  return {
    origins: resolveOrigins(options.origins),
    keys: resolveKeys(options.keys),
    requireSealed: policy === 'require',
    fields: listed,
    sealedFields: sealedRequestFields(listed),
    forwarding: resolveForwarding(options),
    store,
    revocation,
    clients: resolveClients(options.allowClients, (removed) => revocation.revokeEach(removed)),
    sealCookies: cookies === 'sealed',
    now: clock,
    record,
    admit: resolveAdmission(options.trustedProxies),
  };
}

function inProduction(): boolean {
  return process.env.NODE_ENV === 'production';
}

function resolveKeys(keys: ServerKeys | undefined): ServerKeys | Promise<ServerKeys> {
  if (keys === undefined) {
    if (inProduction())
      throw new SealwireError('keys-required', 'See "Keys" in the README for how to make them.');
    const keys = ephemeralKeys();
    // Whoever awaits them sees why there are none.
    keys.catch(() => {});
    return keys;
  }
  if (keys instanceof Promise) throw invalid('`keys` is a promise: await it first.');
  if (typeof keys?.findKey !== 'function' || typeof keys.publish !== 'function') {
    throw invalid('`keys` is what KeyRing.open() of @sealwire/keys, or StaticKeys.import(), resolves to.');
  }
  return keys;
}

async function ephemeralKeys(): Promise<ServerKeys> {
  const keys = await StaticKeys.generate();
  console.warn(
    `[sealwire] No keys given: using keys that last until this process ends. Pin: ${keys.pins.join(' ')}`,
  );
  return keys;
}

function resolveOrigins(origins: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (origins === undefined) {
    if (inProduction())
      throw new SealwireError('origins-required', "For example origins: ['https://api.example.com'].");
    return undefined;
  }
  if (!Array.isArray(origins) || origins.length === 0) throw invalid('`origins` is a list of origins.');
  for (const origin of origins) {
    if (typeof origin !== 'string' || !isOrigin(origin)) {
      throw invalid(
        `\`origins\` holds ${JSON.stringify(origin)}; an origin looks like "https://api.example.com".`,
      );
    }
  }
  return new Set(origins);
}

function isOrigin(text: string): boolean {
  try {
    const url = new URL(text);
    return url.origin === text && (url.protocol === 'https:' || url.protocol === 'http:');
  } catch {
    return false;
  }
}

const storeMethods = [
  'create',
  'load',
  'accept',
  'end',
  'revoke',
  'repeatKey',
  'burn',
  'completeSince',
  'claimHello',
] as const;

/** Handshakes that are computed at a time: the exchanges of sessions go on beside them. */
const maxComputed = 4;
/** Handshakes that wait at a time for keys that are kept elsewhere. */
const maxRemote = 64;

function resolveAdmission(trustedProxies = 0): Settings['admit'] {
  if (!Number.isInteger(trustedProxies) || trustedProxies < 0)
    throw invalid('`trustedProxies` is how many there are.');
  const [computed, remotely] = [new Admission(maxComputed), new Admission(maxRemote)];
  return (req, work, remote) => (remote ? remotely : computed).run(clientAddress(req, trustedProxies), work);
}

function resolveStore(store: SessionStore | undefined, sole: boolean | undefined): SessionStore {
  if (sole !== undefined && typeof sole !== 'boolean') throw invalid('`sole` is true or false.');
  if (store === undefined) return new MemorySessionStore({ sole: sole ?? false });
  if (sole !== undefined)
    throw invalid('`sole` is for the store that is made here; yours is given as `store`.');
  for (const method of storeMethods) {
    if (typeof store?.[method] !== 'function') throw invalid(`\`store\` has no method ${method}().`);
  }
  return store;
}

function invalid(detail: string): SealwireError {
  return new SealwireError('invalid-option', detail);
}

function unknownOption(name: string): SealwireError {
  const lower = name.toLowerCase();
  const near = known.find((each) => each.startsWith(lower.slice(0, 3)) || lower.includes(each));
  const hint = near === undefined ? `The options are ${known.join(', ')}.` : `Did you mean \`${near}\`?`;
  return invalid(`There is no option \`${name}\`. ${hint}`);
}
