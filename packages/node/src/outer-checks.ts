import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import {
  isSoundTarget,
  parseSealwireHeader,
  type RequestHead,
  SealwireError,
  type SealwireHeader,
  targetDifference,
} from '@sealwire/core';
import { explainPath, type Forwarding, forwardedPath } from './forwarding.ts';
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

/** Where a request arrived. */
export interface OuterTarget {
  /** Path with query. */
  readonly url: string;
  /** The beginning of its path that mounting in the framework took away; empty at the root. */
  readonly mountPath: string;
}

/**
 * Holds the target that the request arrived for against the sealed one. The outer Host decides nothing, but for
 * development, where no origins are configured.
 * @returns the path with query that the application sees: the sealed one, as proxies forward it
 * @throws SealwireError `malformed`, `target-mismatch`
 */
export function checkTarget(
  head: RequestHead,
  req: IncomingMessage,
  outer: OuterTarget,
  origins: ReadonlySet<string> | undefined,
  forwarding: Forwarding,
): string {
  if (!isSoundTarget(head)) throw new SealwireError('malformed');
  const origin = `${head.scheme}://${head.authority}`;
  const known = origins === undefined ? isOwnHost(head, req) : origins.has(origin);
  if (!known) {
    throw new SealwireError(
      'target-mismatch',
      `It was sealed for ${origin}, which is not among this server's origins.`,
    );
  }
  const { method } = head;
  const path = forwardedPath(head.path, forwarding);
  if (path === undefined) {
    throw new SealwireError(
      'target-mismatch',
      `The path differs: sealed ${method} ${head.path}, which is not below \`${forwarding.stripPrefix}\`, the option \`stripPrefix\`.`,
    );
  }
  // What is left of a prefix may be two slashes, which begin an authority.
  if (path !== head.path && !isSoundTarget({ method, path })) throw new SealwireError('malformed');
  const difference = targetDifference({ method, path }, { method: req.method as string, url: outer.url });
  if (difference !== undefined && !(difference === 'query' && forwarding.ignoreQuery)) {
    const forwarded = path === head.path ? '' : `, forwarded as ${path}`;
    throw new SealwireError(
      'target-mismatch',
      `The ${difference} differs: sealed ${method} ${head.path}${forwarded}, received ${req.method} ${outer.url}.${explain(difference, head.path, path, outer.url)}`,
    );
  }
  // The framework takes as many characters from the path as it matched outside, where the same path may be spelt with
  // more or fewer: of the sealed one that would make another path.
  if (!isBelow(path, outer.mountPath)) {
    throw new SealwireError(
      'target-mismatch',
      `The path differs: sealed ${method} ${head.path}, received ${outer.url}; at a mount path both are spelt alike.`,
    );
  }
  return path;
}

function explain(
  difference: 'method' | 'path' | 'query',
  sealed: string,
  forwarded: string,
  received: string,
): string {
  if (difference === 'query') return ' If a proxy rewrites queries, tell with the option `ignoreQuery`.';
  if (difference === 'method') return '';
  const unchanged = sealed !== forwarded && sealed === received;
  if (unchanged) return ' It arrived as it was sealed: no proxy did what `stripPrefix` and `addPrefix` tell.';
  return explainPath(forwarded, received);
}

function isBelow(path: string, mountPath: string): boolean {
  if (!path.startsWith(mountPath)) return false;
  const next = path[mountPath.length];
  return mountPath === '' || next === undefined || next === '/' || next === '?';
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

/** True if no byte of body can follow: HTTP/1 says so in its headers, an http2 stream by having ended without one. */
export function isSurelyEmpty(req: IncomingMessage): boolean {
  if (req.httpVersionMajor < 2) return true;
  const { stream } = req as unknown as { stream: Readable & { endAfterHeaders: boolean } };
  // An empty frame may have ended it while the store was asked.
  return stream.endAfterHeaders || (stream.readableEnded && req.readableLength === 0);
}
