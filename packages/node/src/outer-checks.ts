import type { IncomingMessage } from 'node:http';
import {
  isSoundTarget,
  parseSealwireHeader,
  type RequestHead,
  SealwireError,
  type SealwireHeader,
  targetDifference,
} from '@sealwire/core';
import type { OuterHeaders } from './raw-headers.ts';

/**
 * The `Sealwire` header of a request that carries its message in exactly one place.
 * @throws SealwireError `malformed`, `unsupported-version`
 */
export function checkOuter(outer: OuterHeaders): SealwireHeader {
  if (outer.ambiguous || outer.sealwire === undefined) throw new SealwireError('malformed');
  const header = parseSealwireHeader(outer.sealwire);
  const bodyDeclared =
    outer.transferEncoding || (outer.contentLength !== undefined && outer.contentLength !== '0');
  const onePlace = header.h === undefined ? outer.sealedType : !outer.sealedType && !bodyDeclared;
  if (!onePlace) throw new SealwireError('malformed');
  return header;
}

/**
 * Holds the target that the request arrived for against the sealed one. The outer Host decides nothing, but for
 * development, where no origins are configured.
 * @throws SealwireError `malformed`, `target-mismatch`
 */
export function checkTarget(
  head: RequestHead,
  req: IncomingMessage,
  outerUrl: string,
  origins: ReadonlySet<string> | undefined,
): void {
  if (!isSoundTarget(head)) throw new SealwireError('malformed');
  const origin = `${head.scheme}://${head.authority}`;
  const known = origins === undefined ? isOwnHost(head, req) : origins.has(origin);
  if (!known) {
    throw new SealwireError(
      'target-mismatch',
      `It was sealed for ${origin}, which is not among this server's origins.`,
    );
  }
  const difference = targetDifference(head, { method: req.method as string, url: outerUrl });
  if (difference !== undefined) {
    throw new SealwireError(
      'target-mismatch',
      `The ${difference} differs: sealed ${head.method} ${head.path}, received ${req.method} ${outerUrl}.`,
    );
  }
}

function isOwnHost({ scheme, authority }: RequestHead, req: IncomingMessage): boolean {
  return (
    (scheme === 'http' || scheme === 'https') && authority === (req.headers[':authority'] ?? req.headers.host)
  );
}

/** True if the client waits for 100 Continue and Node leaves it to the application to send it. */
export function waitsForContinue(req: IncomingMessage): boolean {
  const { server } = req.socket as { server?: { listenerCount(event: string): number } };
  return (server?.listenerCount('checkContinue') ?? 0) > 0;
}

/** True if no byte of body can follow: HTTP/1 says so in its headers, an http2 stream by having ended with them. */
export function isSurelyEmpty(req: IncomingMessage): boolean {
  if (req.httpVersionMajor < 2) return true;
  const { stream } = req as unknown as { stream: { endAfterHeaders: boolean } };
  return stream.endAfterHeaders;
}
