/**
 * The one table of errors. A code is stable; its status is the HTTP status when a server answers with it
 * (0: never sent); its text says what happened and what to do next, and never carries a value of the exchange.
 */
const table = {
  // Problems a server answers with, in plaintext before it accepted the exchange and sealed afterwards.
  malformed: [400, 'The message does not have the form of docs/PROTOCOL.md. Send it with a Sealwire client.'],
  'unsupported-version': [400, 'The server does not speak this protocol version. Update the older side.'],
  'unknown-key': [409, 'The server does not hold the key that was used. Fetch the key configuration again.'],
  'unknown-session': [409, 'The server does not know this session. Do a new handshake.'],
  rejected: [400, 'The message did not authenticate: altered, cut short, or sealed under another key.'],
  'sealed-required': [
    400,
    'This resource answers sealed requests only. Call it with the fetch of @sealwire/client.',
  ],
  'too-many-handshakes': [429, 'Too many handshakes. Wait for as long as Retry-After says.'],
  unavailable: [
    503,
    'What the server needs for an answer, its session store or its key, did not answer. Try again later.',
  ],
  timeout: [408, 'The beginning of the message did not arrive in time. Send it again.'],
  'preflight-unanswered': [403, 'No handler answered this CORS preflight. Mount cors() before sealwire().'],
  'client-refused': [
    403,
    'The server does not take this client. It has to allow the thumbprint of its `clientKey`.',
  ],
  'not-bound': [403, 'This cookie is bound to another client key than the request came with. Log in again.'],
  'target-mismatch': [400, 'The request arrived for another target than it was sealed for.'],
  'field-not-allowed': [
    400,
    'A sealed request may not carry this field. List it in the option `fields` of the server.',
  ],
  expired: [400, 'The request was sealed too long ago, or the clocks disagree.'],
  replayed: [409, 'This exchange was received before. It was not executed again.'],
  'outcome-unknown': [
    409,
    'It cannot be known whether the request was executed. Ask the application before repeating it.',
  ],
  'head-too-large': [
    431,
    'The head of the request is too large to be sealed. Shorten the URL or the fields.',
  ],

  // Mistakes in setting up.
  'invalid-option': [0, 'An option is not valid.'],
  'keys-required': [0, 'sealwire() needs the option `keys` in production.'],
  'keys-invalid': [0, 'The keys of the server cannot be used.'],
  'key-denied': [0, 'This process may not do this with a key.'],
  'key-state': [0, 'The key is not in a state in which this can be done.'],
  'audit-failed': [0, 'What has to be on record could not be recorded.'],
  'origins-required': [0, 'sealwire() needs the option `origins` in production.'],
  'parser-before-sealwire': [
    500,
    'A body parser ran before sealwire(). Mount sealwire() before every body parser.',
  ],
  'response-head-too-large': [500, 'The head of the response is too large to be sealed. Shorten its fields.'],
  'crypto-unavailable': [0, 'WebCrypto is missing or incomplete here.'],

  // What a client throws.
  'configuration-unavailable': [
    0,
    'The server does not offer a key configuration. Is sealwire() mounted at the root?',
  ],
  'configuration-invalid': [0, 'The key configuration is not valid.'],
  'identity-mismatch': [0, 'The key configuration is not signed by a pinned identity.'],
  'audience-mismatch': [0, 'The key configuration was made for other origins.'],
  'configuration-expired': [0, 'The key configuration is not valid at this time.'],
  'configuration-conflict': [0, 'The key configuration contradicts one seen before.'],
  'configuration-outdated': [
    0,
    'The key configuration is older than one that this client knows of: a stale copy, or somebody rolls it back.',
  ],
  'client-key-unavailable': [0, 'The key of this client cannot be had.'],
  'no-common-suite': [0, 'Client and server share no suite.'],
  'handshake-failed': [0, 'The handshake failed.'],
  'plaintext-answer': [0, 'The answer was not sealed. It may come from anyone on the path: do not trust it.'],
  truncated: [0, 'The response ended before its final record.'],
  'encoding-unknown': [0, 'The response has a content encoding that this client cannot decode.'],
  'field-not-listed': [
    0,
    'This field is not sealed by the server. List it in its option `fields`, or in `outerFields`.',
  ],
  'body-not-resendable': [0, 'The request has to be sent again, but a stream body can be read only once.'],
  'redirect-refused': [0, 'The redirect leads where the sealed request must not go.'],
  'other-origin': [0, 'This fetch is for the sealed origin only.'],
  'inspection-refused': [0, 'In production nothing is inspected; see the option `inspect`.'],
  'worker-unavailable': [0, 'There is no service worker that seals.'],

  // What a gateway answers beside those.
  'server-unreachable': [502, 'The server did not answer, or closed the connection. Is it running?'],
  'foreign-caller': [
    403,
    'A gateway serves programs on its own machine, not the pages of other sites. Call it by a loopback name.',
  ],
} as const satisfies Record<string, readonly [status: number, text: string]>;

/** Stable code of a {@link SealwireError}. */
export type ErrorCode = keyof typeof table;

/** The HTTP status a server answers a code with; 0 if it is never sent. */
export function statusOf(code: ErrorCode): number {
  return table[code][0];
}

/** What the code means and what to do next. */
export function textOf(code: ErrorCode): string {
  return table[code][1];
}

/** Every code. */
export const errorCodes = /* @__PURE__ */ Object.keys(table) as readonly ErrorCode[];

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(table, value);
}

const brand = Symbol.for('sealwire.error');

/** Every error that Sealwire throws on purpose. Tell it by {@link isSealwireError}, branch on `code`. */
export class SealwireError extends Error {
  override readonly name = 'SealwireError';
  readonly code: ErrorCode;
  /** HTTP status for error handlers of frameworks (`err.status`, `err.statusCode`). */
  declare readonly status?: number;
  declare readonly statusCode?: number;

  /** @param detail what is particular about this case; never a secret, a session id or a payload */
  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? textOf(code) : `${textOf(code)} ${detail}`, options);
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
    const status = statusOf(code);
    if (status > 0) {
      this.status = status;
      this.statusCode = status;
    }
  }
}

/** True for a {@link SealwireError} of any copy of this package; with `code`, for that code only. */
export function isSealwireError(value: unknown, code?: ErrorCode): value is SealwireError {
  if (typeof value !== 'object' || value === null || !(brand in value)) return false;
  return code === undefined || (value as unknown as SealwireError).code === code;
}

/** The error that all failures to authenticate look like from outside. */
export function rejected(): SealwireError {
  return new SealwireError('rejected');
}
