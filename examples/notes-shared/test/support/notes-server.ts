import type { RequestListener } from 'node:http';
import type { Signer } from '@sealwire/core';
import { clientOf } from '../../../../test/support/clients.ts';
import { startTap } from '../../../../test/support/proxies.ts';
import { keys as commonKeys, listen } from '../../../../test/support/servers.ts';
import { createListener } from '../../listener.mjs';
import type { Notes } from '../../notes.mjs';
import { createApi } from '../../page/api.js';
import type { createPage } from '../../page.mjs';

/** Makes one of the apps as a listener. */
export type ListenerOf = (options: {
  keys?: typeof commonKeys;
  origins?: string[];
  notes?: Notes;
  sealed?: boolean;
}) => RequestListener;

export interface NotesOptions {
  /** Answers for the page. */
  sendPage?: Awaited<ReturnType<typeof createPage>>;
  keys?: typeof commonKeys;
}

/** The app in this process, reached through a tap that keeps every byte of the wire. */
export async function startNotes(
  listenerOf: ListenerOf,
  { sendPage = () => false, keys = commonKeys }: NotesOptions = {},
) {
  const server = await listen();
  const tap = await startTap(server);
  const start = (itsKeys: typeof commonKeys) => {
    const origins = [server.origin, tap.origin];
    server.server.on('request', createListener(listenerOf, { keys: itsKeys, origins, sendPage }));
  };
  start(keys);
  const fetchThroughTap = (clientKey?: Signer) =>
    clientOf({ origin: tap.origin }, { ...(clientKey && { clientKey }) });
  return {
    origin: server.origin,
    tap,
    /** All bytes that travelled so far. */
    wire: () => Buffer.concat([...tap.up, ...tap.down]).toString('latin1'),
    sealedFetch: fetchThroughTap(),
    /** As if it was ended and started again. */
    restart(newKeys: typeof commonKeys) {
      server.server.removeAllListeners('request');
      server.server.closeAllConnections();
      start(newKeys);
    },
    /** What the page does, with a session of its own. */
    newApi: (clientKey?: Signer) => createApi(fetchThroughTap(clientKey) as typeof fetch),
  };
}
