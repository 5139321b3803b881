/** The errors that clients only hear of, from a server that says its text with the code: no browser loads them. */
export const serverErrors = {
  // Problems a server answers with.
  'unsupported-version': [400, 'The server does not speak this protocol version. Update the older side.'],
  'sealed-required': [
    400,
    'This resource answers sealed requests only. Call it with the fetch of @sealwire/client.',
  ],
  timeout: [408, 'The beginning of the message did not arrive in time. Send it again.'],
  'preflight-unanswered': [403, 'No handler answered this CORS preflight. Mount cors() before sealwire().'],
  'not-bound': [403, 'This cookie is bound to another client key than the request came with. Log in again.'],
  'target-mismatch': [400, 'The request arrived for another target than it was sealed for.'],
  'field-not-allowed': [
    400,
    'A sealed request may not carry this field. List it in the option `fields` of the server.',
  ],

  // Mistakes in setting up.
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

  // What a gateway answers beside those.
  'server-unreachable': [502, 'The server did not answer, or closed the connection. Is it running?'],
  'foreign-caller': [
    403,
    'A gateway serves programs on its own machine, not the pages of other sites. Call it by a loopback name.',
  ],
} as const satisfies Record<string, readonly [status: number, text: string]>;
