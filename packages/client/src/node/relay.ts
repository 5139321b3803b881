import type { ServerResponse } from 'node:http';
import {
  type ErrorCode,
  isOuterResponseField,
  isSealwireError,
  problemOf,
  problemType,
  SealwireError,
  statusOf,
} from '@sealwire/core';
import type { Answer } from '../call.ts';
import type { MessageReader } from '../open-message.ts';
import type { Plan } from '../plan.ts';
import { nullBodyStatuses } from '../response.ts';

/** They are about a connection, or about the sealed message. */
const notRelayed = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Answers with what was opened: the sealed status and fields, and of the outer fields those that are never sealed. */
export async function relay(
  { head, message, outer }: Answer,
  plan: Plan,
  res: ServerResponse,
): Promise<void> {
  res.statusCode = head.status;
  for (const [name, value] of head.fields) {
    if (name.startsWith('sealwire')) continue;
    if (name === 'location') res.setHeader(name, ownLocation(value, plan.url, res));
    else res.appendHeader(name, value);
  }
  for (const [name, value] of outer.headers) {
    if (!isOuterResponseField(name) || notRelayed.has(name)) continue;
    if (name !== 'vary') res.appendHeader(name, value);
    else if (withoutSealwire(value) !== '') res.setHeader(name, withoutSealwire(value));
  }
  if (!outer.headers.has('date')) res.sendDate = false;
  if (plan.method === 'HEAD' || nullBodyStatuses.has(head.status)) {
    // Whole only if its message is.
    while ((await message.body()) !== undefined);
  } else {
    await relayBody(message, res);
  }
  if (message.trailers.length > 0) res.addTrailers(message.trailers as [string, string][]);
  res.end();
}

/** Reads no faster than the other side takes it. */
async function relayBody(message: MessageReader, res: ServerResponse): Promise<void> {
  res.flushHeaders();
  for (let bytes = await message.body(); bytes !== undefined; bytes = await message.body()) {
    if (res.destroyed) return;
    if (!res.write(bytes)) await drained(res);
  }
}

/** Waits until the other side took what was written, or is gone. */
function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    function done() {
      res.off('drain', done);
      res.off('close', done);
      resolve();
    }
    res.on('drain', done);
    res.on('close', done);
  });
}

/** Of the server's own redirects those that name its origin lead back to the gateway, as a reverse proxy's do. */
function ownLocation(location: string, { origin }: URL, { req }: ServerResponse): string {
  if (!URL.canParse(location) || new URL(location).origin !== origin) return location;
  return `http://${req.headers.host}${location.slice(origin.length)}`;
}

function withoutSealwire(vary: string): string {
  const names = vary.split(',').map((name) => name.trim());
  return names.filter((name) => name !== '' && name.toLowerCase() !== 'sealwire').join(', ');
}

/** The gateway's own statuses for what a client throws: a fault of the request, else of what is behind. */
const statuses: Partial<Record<ErrorCode, number>> = { 'field-not-listed': 400, 'other-origin': 421 };

/** Ends a response that cannot be relayed: with problem details, or cut off if it began. */
export function sendGatewayProblem(res: ServerResponse, cause: unknown): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const error = isSealwireError(cause) ? cause : new SealwireError('server-unreachable', reasonOf(cause));
  const status = statuses[error.code] ?? (statusOf(error.code) || 502);
  const body = Buffer.from(JSON.stringify({ ...problemOf(error), status }));
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.writeHead(status, {
    'content-type': problemType,
    'content-length': body.length,
    'cache-control': 'no-store',
    sealwire: error.code,
  });
  res.end(body);
}

/** The platform's fetch says "fetch failed", and the reason in its cause. */
function reasonOf(error: unknown): string {
  const { cause = error } = error as Error;
  return String((cause as Error)?.message ?? cause);
}
