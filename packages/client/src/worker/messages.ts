import type { ErrorCode } from '@sealwire/core';

// What page and worker say to each other.

/** The page asks to be taken over; the worker answers with its sealed origin on the port that came along. */
export const takeOver = 'sealwire-take-over';

/**
 * What only the worker answers, so that a page whose requests pass it by finds out. The worker does its handshake first
 * and answers with the {@link Failure} of that, or with null.
 */
export const probePath = '/.well-known/sealwire-worker';

/** A `SealwireError` on its way to the page. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Tells a page why one of its requests failed: the request itself can fail as on the network only. */
export interface FailureMessage {
  readonly type: 'sealwire-failure';
  readonly failure: Failure;
  readonly method: string;
  readonly url: string;
}
