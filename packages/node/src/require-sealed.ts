import type { IncomingMessage, ServerResponse } from 'node:http';
import { SealwireError } from '@sealwire/core';
import type { Next } from './delivery.ts';
import { sendProblem } from './problem.ts';
import type { Sealed } from './sealed.ts';

/** Passes sealed requests on and refuses all others. */
export function requireSealedRequest(req: IncomingMessage, res: ServerResponse, next: Next): void {
  if ((req as { sealed?: Sealed }).sealed !== undefined) next();
  else sendProblem(res, new SealwireError('sealed-required'));
}
