// What the server answers with: the page, the app, and beside it the same app without a seal, for comparison.
import { Notes } from './notes.mjs';

/** Where the page finds the app without a seal. Whoever is on the path can read and change all of it. */
const unsealedPath = '/unsealed';

/**
 * @param listenerOf makes the app as a listener from `{ keys, origins, notes }`, without a seal from `{ notes, sealed: false }`
 * @param options.keys the server's keys
 * @param options.origins the origins that browsers call
 * @param options.sendPage answers for the page's files
 */
export function createListener(listenerOf, { keys, origins, sendPage }) {
  const notes = new Notes();
  const sealed = listenerOf({ keys, origins, notes });
  const unsealed = listenerOf({ notes, sealed: false });

  return function listener(req, res) {
    // The page is public and cannot be sealed: what opens seals is in it. So the app has no part in it.
    if (sendPage(req, res)) return;
    if (!req.url.startsWith(`${unsealedPath}/`)) {
      sealed(req, res);
      return;
    }
    req.url = req.url.slice(unsealedPath.length);
    unsealed(req, res);
  };
}
