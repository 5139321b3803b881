// An error in one line that says what to do.
import { isSealwireError } from '@sealwire/client';

/** @param {string | undefined} origin of the server, if that far is known */
export function explain(error, origin) {
  if (isSealwireError(error, 'identity-mismatch')) {
    return `${origin} is not the server that the pin names. Take the pin that it printed when it started.`;
  }
  // fetch() says "fetch failed", its cause says why; a host of several addresses has a cause for each.
  const cause = error.cause?.errors?.[0] ?? error.cause;
  if (cause?.code === 'ECONNREFUSED' || cause?.code === 'ENOTFOUND') {
    return `Nothing answers at ${origin}. Start the notes app first: npm start`;
  }
  if (cause?.code === 'DEPTH_ZERO_SELF_SIGNED_CERT') {
    return `Node does not trust the certificate of ${origin}. Name it in NODE_EXTRA_CA_CERTS; README.md says how.`;
  }
  return cause?.message ?? error.message;
}
