import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { problemOf, problemType, type SealwireError, statusOf } from '@sealwire/core';
import { allowProblem } from './response-methods.ts';

export interface ProblemOptions {
  /** Extension members of the problem details. */
  members?: Record<string, unknown>;
  /** For how long the client shall wait, in seconds. */
  retryAfter?: number;
  /** The connection, or the stream of http2, cannot be used any more: its request will not be read to the end. */
  close?: boolean;
}

/**
 * Answers with problem details (RFC 9457). On a response that was not sealed yet the problem is plaintext: a hint
 * that anyone on the path could have given. Headers that the response already has are kept, those of cors() among
 * them.
 */
export function sendProblem(
  res: ServerResponse,
  error: SealwireError,
  { members, retryAfter, close }: ProblemOptions = {},
): void {
  if (res.headersSent || res.destroyed) return;
  allowProblem(res);
  const body = Buffer.from(JSON.stringify(problemOf(error, members)));
  res.statusCode = statusOf(error.code) || 500;
  res.removeHeader('content-encoding');
  res.setHeader('content-type', problemType);
  res.setHeader('content-length', body.length);
  res.setHeader('cache-control', 'no-store');
  res.setHeader('sealwire', error.code);
  if (retryAfter !== undefined) res.setHeader('retry-after', retryAfter);
  const { stream } = res as ServerResponse & { stream?: ServerHttp2Stream };
  // http2 has no such header, and warns.
  if (close === true && stream === undefined) res.setHeader('connection', 'close');
  exposeToScripts(res);
  res.end(body);
  // There it is the stream: behind the answer it would stay open for as long as the request does not end.
  if (close === true) stream?.close();
}

/** A page of another origin reads only the headers that are named to it. */
function exposeToScripts(res: ServerResponse): void {
  if (!res.hasHeader('access-control-allow-origin')) return;
  const name = 'access-control-expose-headers';
  const exposed = res.getHeader(name);
  const ours = 'Sealwire, Retry-After';
  res.setHeader(name, exposed === undefined ? ours : `${String(exposed)}, ${ours}`);
}
