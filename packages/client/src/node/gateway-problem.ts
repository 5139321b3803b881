import type { ServerResponse } from 'node:http';
import { type ErrorCode, isSealwireError, problemOf, problemType, SealwireError } from '@sealwire/core';

/** Statuses of what the request is at fault for, and of what passes by itself; all else is a bad gateway. */
const statuses: Partial<Record<ErrorCode, number>> = {
  malformed: 400,
  'field-not-allowed': 400,
  'field-not-listed': 400,
  'foreign-caller': 403,
  'other-origin': 421,
  'head-too-large': 431,
  'body-not-resendable': 503,
  'too-many-handshakes': 503,
  unavailable: 503,
};

interface GatewayProblem {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A gateway's own answer: problem details, whose code the header `sealwire` repeats. Servers' own have no such header. */
export function gatewayProblem(cause: unknown): GatewayProblem {
  const error = isSealwireError(cause) ? cause : new SealwireError('server-unreachable', reasonOf(cause));
  const status = statuses[error.code] ?? 502;
  const { retryAfter } = error as { retryAfter?: number };
  const body = JSON.stringify({ ...problemOf(error), status });
  return {
    status,
    headers: {
      'content-type': problemType,
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      sealwire: error.code,
      ...(retryAfter !== undefined && { 'retry-after': String(Math.ceil(retryAfter / 1000)) }),
    },
    body,
  };
}

/** Ends a response that cannot be relayed: with problem details, or cut off if it began. */
export function sendGatewayProblem(res: ServerResponse, cause: unknown): void {
  if (res.headersSent || res.destroyed) {
    // To HTTP/1.0 the end of the connection may be that of the body; a reset is none.
    if (res.req.httpVersion === '1.0') res.socket?.resetAndDestroy();
    else res.destroy();
    return;
  }
  const { status, headers, body } = gatewayProblem(cause);
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.sendDate = true;
  res.writeHead(status, headers).end(body);
}

/** A platform's fetch says "fetch failed", and the reason in its cause. */
function reasonOf(error: unknown): string {
  const { cause = error } = error as Error;
  const { message, code } = cause as NodeJS.ErrnoException;
  // What is tried at several addresses fails without a message.
  return message || code || String(cause);
}
