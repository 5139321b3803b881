import { SealwireError } from './errors.ts';

// The one table of fields (docs/PROTOCOL.md, Fields). A field is sealed or outer, never both: what is sealed cannot
// be set or seen by a proxy, what is outer cannot be set by a client as if it came from a proxy.

/** Sealed in requests. An entry that ends in `*` stands for every name that begins so. */
const sealedInRequests = [
  'content-*',
  'if-*',
  'accept',
  'accept-encoding',
  'accept-language',
  'authorization',
  'cache-control',
  'csrf-token',
  'digest',
  'idempotency-key',
  'last-event-id',
  'pragma',
  'prefer',
  'range',
  'repr-digest',
  'signature',
  'signature-input',
  'want-content-digest',
  'want-digest',
  'want-repr-digest',
  'x-api-key',
  'x-csrf-token',
  'x-csrftoken',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-requested-with',
  'x-xsrf-token',
  'xsrf-token',
];

/** Outer in requests whoever sets them: the platform's, or a proxy's. A client sends them in clear without asking. */
const outerInRequests = ['cookie', 'dnt', 'origin', 'referer', 'sec-*', 'user-agent'];

/** Outer in responses; all others are sealed. */
const outerInResponses = [
  'access-control-*',
  'alt-svc',
  'clear-site-data',
  'connection',
  'content-security-policy',
  'content-security-policy-report-only',
  'cross-origin-*',
  'date',
  'keep-alive',
  'nel',
  'origin-agent-cluster',
  'permissions-policy',
  'proxy-*',
  'referrer-policy',
  'report-to',
  'reporting-endpoints',
  'server',
  'set-cookie',
  'strict-transport-security',
  'te',
  'timing-allow-origin',
  'transfer-encoding',
  'upgrade',
  'vary',
  'via',
  'x-content-type-options',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-frame-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
];

/** Never in an application's list: they belong to a hop, to the platform, or to what a gateway vouches for. */
const neverSealed = [
  'connection',
  'cookie',
  'dnt',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'origin',
  'proxy-*',
  'referer',
  'sealwire*',
  'sec-*',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
  'x-forwarded-*',
  'x-real-ip',
];

const entryForm = /^[!#$%&'+\-.^_`|~0-9a-z]+\*?$/;

/** A set of lower-case field names, some by prefix. */
export class FieldSet {
  readonly #names = new Set<string>();
  readonly #prefixes: string[] = [];

  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      if (entry.endsWith('*')) this.#prefixes.push(entry.slice(0, -1));
      else this.#names.add(entry);
    }
  }

  has(name: string): boolean {
    if (this.#names.has(name)) return true;
    for (const prefix of this.#prefixes) if (name.startsWith(prefix)) return true;
    return false;
  }
}

const requestOuter = /* @__PURE__ */ new FieldSet(outerInRequests);
const responseOuter = /* @__PURE__ */ new FieldSet(outerInResponses);

/** The sealed fields of requests: the table and what the server lists beyond it. */
export function sealedRequestFields(listed: readonly string[] = []): FieldSet {
  return new FieldSet([...sealedInRequests, ...listed]);
}

/** True for a request field that travels in clear by nature. */
export function isOuterRequestField(name: string): boolean {
  return requestOuter.has(name);
}

/** True for a response field that stays outside; the caller of a client never sees it as the server's. */
export function isOuterResponseField(name: string): boolean {
  return responseOuter.has(name);
}

/**
 * The server's list of sealed fields beyond the table, in lower case.
 * @throws SealwireError `invalid-option` for an entry that is no field name or must never be sealed
 */
export function parseFieldList(entries: unknown): string[] {
  if (!Array.isArray(entries))
    throw new SealwireError('invalid-option', '`fields` is a list of field names.');
  return entries.map((entry: unknown) => {
    const name = typeof entry === 'string' ? entry.toLowerCase() : '';
    if (!entryForm.test(name)) {
      throw new SealwireError(
        'invalid-option',
        `\`fields\` holds ${JSON.stringify(entry)}, which is no field name.`,
      );
    }
    if (neverSealed.some((never) => meet(never, name))) {
      throw new SealwireError(
        'invalid-option',
        `\`fields\` holds "${name}", which must stay outside: a hop, the platform or a gateway sets it.`,
      );
    }
    return name;
  });
}

/** True if some name is meant by both entries. */
export function meet(one: string, other: string): boolean {
  return covers(one, other) || covers(other, one);
}

function covers(wide: string, narrow: string): boolean {
  return wide.endsWith('*') ? narrow.startsWith(wide.slice(0, -1)) : narrow === wide;
}
