import type { IncomingMessage, ServerResponse } from 'node:http';
import { configurationPath, defaultHandshakePath, SealwireError } from '@sealwire/core';
import type { Next } from './delivery.ts';
import { answerConfiguration, answerHandshakeRequest } from './endpoints.ts';
import { Exchange, type FrameworkRequest } from './exchange.ts';
import { endpointPath } from './forwarding.ts';
import { resolveOptions, type SealwireOptions } from './options.ts';
import { withSealwire } from './outer-head.ts';
import { sendProblem } from './problem.ts';
import { readOuterHeaders } from './raw-headers.ts';
import type { Operations } from './revocation.ts';
import { Sealed } from './sealed.ts';

export type SealwireHandler = ((req: IncomingMessage, res: ServerResponse, next: Next) => void) & Operations;

/** What an adapter knows about its framework. */
export interface Framework extends FrameworkRequest {
  /** True if the route that the request is for takes plaintext under the policy `require`. */
  allowsPlaintext(req: IncomingMessage): boolean;
  /** Prepares both for properties of their own. */
  expectProperties?(req: IncomingMessage, res: ServerResponse): void;
}

/**
 * The middleware behind every adapter: answers the well-known endpoints, opens sealed requests and seals their
 * responses, and lets plaintext pass or refuses it.
 * @throws SealwireError for an option that is not valid
 */
export function createHandler(options: SealwireOptions | undefined, framework: Framework): SealwireHandler {
  const settings = resolveOptions(options);
  const { keys, revocation } = settings;
  if (!(keys instanceof Promise)) keys.onRevoked?.((kid) => revocation.revokeSurely({ kid }));

  function plaintext(req: IncomingMessage, res: ServerResponse, next: Next): void {
    const path = endpointPath(framework.outerUrl(req), settings.forwarding);
    if (path === configurationPath && (req.method === 'GET' || req.method === 'HEAD')) {
      answerConfiguration(settings, req, res).catch(next);
    } else if (path === defaultHandshakePath && req.method === 'POST') {
      answerHandshakeRequest(settings, req, res).catch(next);
    } else if (!settings.requireSealed || framework.allowsPlaintext(req)) {
      // A cache that keeps this answer must not give it to a client that asks for the same sealed.
      res.setHeader('vary', withSealwire(res.getHeader('vary')));
      next();
    } else if (isPreflight(req)) {
      sendProblem(res, new SealwireError('preflight-unanswered'));
    } else {
      sendProblem(res, new SealwireError('sealed-required'));
    }
  }

  function sealwireHandler(
    req: IncomingMessage & { sealed?: Sealed },
    res: ServerResponse,
    next: Next,
  ): void {
    // It was opened by one that is mounted before.
    if (req.sealed instanceof Sealed) {
      next();
      return;
    }
    const outer = readOuterHeaders(req.rawHeaders);
    if (outer.sealwire === undefined && !outer.sealedType) {
      plaintext(req, res, next);
      return;
    }
    framework.expectProperties?.(req, res);
    try {
      new Exchange(settings, framework, req, res, next).start(outer);
    } catch (error) {
      next(error);
    }
  }

  return Object.assign(sealwireHandler, {
    revokeClient: (thumbprint: string) => revocation.revokeClient(thumbprint),
  });
}

/** Fetch standard, CORS preflight: whatever else it is for, it carries nothing of the application's. */
function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}
