import type { IncomingMessage } from 'node:http';

const requests = new WeakSet<IncomingMessage>();

/** Marks a request as one that may be plaintext, for a middleware that runs before sealwire(). */
export function allowPlaintextRequest(req: IncomingMessage): void {
  requests.add(req);
}

/** True if the request was marked. */
export function allowsPlaintextRequest(req: IncomingMessage): boolean {
  return requests.has(req);
}
