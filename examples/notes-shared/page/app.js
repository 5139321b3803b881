// The page: its API on a sealed fetch, the same on a plain one for comparison, and both views.
import { createSealedFetch, isSealwireError } from '@sealwire/client';
import { createClientKey } from '@sealwire/client/client-key';
import { defineInspector } from '@sealwire/client/inspector';
import { xhrFetch } from '@sealwire/client/xhr';
import { createApi } from './api.js';
import { NotesView } from './notes-view.js';
import { chooseWay } from './ways.js';
import { WireTap } from './wire-tap.js';
import { WireView } from './wire-view.js';

const pin = document.querySelector('meta[name="sealwire-pin"]').content;
// XMLHttpRequest tells how far an upload is.
const tap = new WireTap(xhrFetch());
new WireView(tap);

try {
  const clientKey = await ownKey();
  const sealedFetch = createSealedFetch({
    origin: location.origin,
    // For demonstration only: a pin that the server itself puts into the page proves nothing about that server.
    identity: pin,
    // Only to show the wire; without it this is xhrFetch(), or left out where no upload has a progress bar.
    fetch: tap.fetch,
    ...(clientKey && { clientKey }),
  });
  const apis = {
    sealed: createApi(untilKeysChange(tap.watch(sealedFetch))),
    unsealed: createApi(tap.watch(unsealedFetch)),
  };
  defineInspector();
  await document.querySelector('sealwire-inspector').inspect(sealedFetch);
  const view = new NotesView();
  let leaving;
  chooseWay((way) => {
    // Without a seal nobody knows who asks.
    document.querySelector('#bound').disabled = clientKey === undefined || way === 'unsealed';
    leaving?.abort();
    leaving = new AbortController();
    view.use(apis[way]);
    keepUpToDate(apis[way], view, leaving.signal);
  });
} catch (error) {
  // Without a secure context a browser offers no cryptography.
  const problem = document.querySelector('#problem');
  problem.textContent = error.message;
  problem.hidden = false;
}

/** The key that the server knows this browser by; none where the browser keeps nothing. */
async function ownKey() {
  try {
    const key = await createClientKey({ name: 'notes' });
    const shown = document.querySelector('#thumbprint');
    Object.assign(shown, {
      textContent: `${key.thumbprint.slice(0, 8)}…`,
      title: `Its key: ${key.thumbprint}`,
    });
    return key;
  } catch (error) {
    if (isSealwireError(error, 'client-key-unavailable')) return undefined;
    throw error;
  }
}

/** What takes the place of the sealed fetch. */
function unsealedFetch(path, { onUploadProgress, ...init }) {
  const onSent = onUploadProgress && ((share) => onUploadProgress({ loaded: share, total: 1 }));
  return tap.fetch(`/unsealed${path}`, { ...init, ...(onSent && { onSent }) });
}

/** The same fetch until the server turns out to be another than the pin names: then it asks no more. */
function untilKeysChange(sealedFetch) {
  let changed;
  return async (path, init) => {
    if (changed) throw changed;
    try {
      return await sealedFetch(path, init);
    } catch (error) {
      if (!isSealwireError(error, 'identity-mismatch')) throw error;
      const message = 'The server has new keys since it was restarted. Reload the page to get its new pin.';
      changed = new Error(message, { cause: error });
      throw changed;
    }
  };
}

/** Shows the notes and every change of them, again and again when the connection breaks, until the signal ends it. */
async function keepUpToDate(api, view, signal) {
  view.showLive('connecting');
  for (let wait = 1000; !signal.aborted; wait = Math.min(wait * 2, 15_000)) {
    try {
      // The feed first, so that no change falls between it and the list.
      const changes = await api.changes(signal);
      view.showAll(await api.list());
      view.showLive('live');
      wait = 500;
      for await (const change of changes) view.showChange(change);
    } catch (error) {
      if (signal.aborted) return;
      if (isSealwireError(error.cause, 'identity-mismatch')) {
        view.showLive('offline');
        view.showProblem(error.message);
        return;
      }
    }
    view.showLive('connecting again');
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
