/**
 * The errors that a client throws of itself. A code is stable; its status is the HTTP status when a server answers with
 * it (0: never sent); its text says what happened and what to do next, and never carries a value of the exchange.
 */
export const clientErrors = {
  // Servers answer with these, too: in plaintext before they accepted the exchange, sealed afterwards.
  malformed: [400, 'The message does not have the form of docs/PROTOCOL.md. Send it with a Sealwire client.'],
  'unknown-key': [409, 'The server does not hold the key that was used. Fetch the key configuration again.'],
  'unknown-session': [409, 'The server does not know this session. Do a new handshake.'],
  rejected: [400, 'The message did not authenticate: altered, cut short, or sealed under another key.'],
  'too-many-handshakes': [429, 'Too many handshakes. Wait for as long as Retry-After says.'],
  unavailable: [
    503,
    'What the server needs for an answer, its session store or its key, did not answer. Try again later.',
  ],
  'client-refused': [
    403,
    'The server does not take this client. It has to allow the thumbprint of its `clientKey`.',
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

  // What is wrong here, or with what came.
  'invalid-option': [0, 'An option is not valid.'],
  'crypto-unavailable': [0, 'WebCrypto is missing or incomplete here.'],
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
} as const satisfies Record<string, readonly [status: number, text: string]>;
