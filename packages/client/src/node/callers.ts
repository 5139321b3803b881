import type { IncomingMessage } from 'node:http';
import { SealwireError } from '@sealwire/core';

/**
 * Refuses what a page of another site had a browser send: browsers reach loopback, too, and behind a gateway every
 * request is sealed with the gateway's own session and key.
 * @throws SealwireError `foreign-caller`
 */
export function refuseForeign({ headers, url }: IncomingMessage): void {
  const { host, origin, 'sec-fetch-site': site } = headers;
  // With a WebSocket Chromium says no site, but the page's origin; a gateway opens none, and would send a GET.
  const byWebSocket = headers['sec-websocket-key'] !== undefined && origin !== undefined;
  if (site === 'cross-site' || site === 'same-site' || (byWebSocket && origin !== `http://${host}`))
    throw new SealwireError('foreign-caller', 'The request was made by a page of another origin.');
  // A name of somebody's own that leads to loopback makes his page one of the same site (DNS rebinding), and to other
  // addresses that lead there (0.0.0.0) browsers do not say the site. No browser sends a request without a name, nor a
  // whole URL but to a proxy.
  if (host !== undefined && url?.startsWith('/') && !isOwnName(host)) {
    throw new SealwireError('foreign-caller', `The request names the host ${JSON.stringify(host)}.`);
  }
}

function isOwnName(host: string): boolean {
  const name = host.toLowerCase().replace(/:[0-9]*$/, '');
  return (
    name === 'localhost' || name.endsWith('.localhost') || /^(?:127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(name)
  );
}
