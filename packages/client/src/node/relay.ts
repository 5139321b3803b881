import type { IncomingMessage, ServerResponse } from 'node:http';
import { isOuterResponseField, reasonField } from '@sealwire/core';
import type { Answer } from '../call.ts';
import type { MessageReader } from '../open-message.ts';
import type { Plan } from '../plan.ts';
import { isOfConnection } from './hop-fields.ts';

/**
 * Answers with what was opened: the sealed status and fields, and of the outer fields those that are never sealed.
 * @param location what becomes of a `Location`
 * @param sealCookies true if a `set-cookie` outside is nobody's
 */
export async function relay(
  { head, message, outer }: Answer,
  plan: Plan,
  res: ServerResponse,
  location: (named: string) => string,
  sealCookies: boolean,
): Promise<void> {
  res.statusCode = head.status;
  for (const [name, value] of head.fields) {
    if (name === reasonField) res.statusMessage = value;
    if (name.startsWith('sealwire')) continue;
    res.appendHeader(name, name === 'location' ? location(value) : value);
  }
  for (const [name, value] of outer.headers) {
    if (!isOuterResponseField(name) || isOfConnection(name)) continue;
    if (sealCookies && name === 'set-cookie') continue;
    const relayed = name === 'vary' ? withoutSealwire(value) : value;
    if (relayed !== undefined) res.appendHeader(name, relayed);
  }
  res.sendDate = false;
  if (plan.method === 'HEAD' || head.status === 204 || head.status === 304) {
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
  // The head goes out at once: `flushHeaders()` would encode it as UTF-8.
  res.write('', 'latin1');
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

/**
 * Of the server's own redirects those that name its origin lead back to the gateway, as a reverse proxy's do. Whoever
 * asked for a whole URL knows the server by its own name.
 */
export function ownLocation(location: string, { origin }: URL, req: IncomingMessage): string {
  const { host } = req.headers;
  if (host === undefined || !req.url?.startsWith('/')) return location;
  const [authority] = location.match(/^(?:https?:)?\/\/[^/?#]*/i) ?? [];
  if (authority === undefined || !URL.canParse(location, origin)) return location;
  if (new URL(location, origin).origin !== origin) return location;
  return `http://${host}${location.slice(authority.length)}`;
}

function withoutSealwire(vary: string): string | undefined {
  const names = vary.split(',').map((name) => name.trim());
  return names.filter((name) => name.toLowerCase() !== 'sealwire').join(', ') || undefined;
}
