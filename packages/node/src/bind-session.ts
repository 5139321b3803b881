import type { IncomingMessage, ServerResponse } from 'node:http';
import { SealwireError } from '@sealwire/core';
import type { Next } from './delivery.ts';
import { sendProblem } from './problem.ts';
import type { Sealed } from './sealed.ts';

/** Where the session of an application keeps the client key that it is bound to. */
export interface SessionBinding<Context> {
  /** The thumbprint that was set; undefined for a session that is bound to none yet. */
  get(context: Context): string | null | undefined;
  /** Keeps a thumbprint in the session. */
  set(context: Context, thumbprint: string): void;
}

/**
 * Passes a request on if its session is that of its client key, and binds a session that is bound to none. Refuses it
 * (`not-bound`) if the session is bound to another key than the request came with, or if the request came with none.
 */
export function bindSessionRequest<Context>(
  { get, set }: SessionBinding<Context>,
  context: Context,
  req: IncomingMessage,
  res: ServerResponse,
  next: Next,
): void {
  const client = clientOf(req);
  const bound = get(context) ?? undefined;
  if (bound === undefined) {
    if (client !== undefined) set(context, client);
  } else if (bound !== client) {
    sendProblem(res, new SealwireError('not-bound'));
    return;
  }
  next();
}

/**
 * Binds the session that the application leaves behind, before it is saved: who logs somebody in makes a new one, whose
 * cookie is worth more than the old one's.
 */
export function bindSessionAgain<Context>(
  { get, set }: SessionBinding<Context>,
  context: Context,
  req: IncomingMessage,
): void {
  const client = clientOf(req);
  if (client === undefined) return;
  try {
    if ((get(context) ?? undefined) === undefined) set(context, client);
  } catch {
    // There is no session any more, and nothing to bind: somebody logged out.
  }
}

function clientOf(req: IncomingMessage): string | undefined {
  return (req as { sealed?: Sealed }).sealed?.client;
}
