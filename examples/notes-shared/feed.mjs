// The live feed, as server-sent events.
import { isFor, refuse, shown } from './notes.mjs';

const maxFeeds = 100;
/** A reader that lets so much pile up, in bytes, is gone or stuck. */
const maxUnread = 1024 * 1024;
/** Proxies close what says nothing for a while, in milliseconds. */
const heartbeat = 25_000;

/** Makes a function that answers with every change of the notes as an event, on Node's response. */
export function feedOf(notes) {
  let open = 0;

  /** @param {string} [client] thumbprint of who asks */
  return function sendFeed(res, client) {
    if (open >= maxFeeds) throw refuse(503, 'Too many feeds are open.');
    open++;
    const send = (text) => {
      if (res.writableLength > maxUnread) res.destroy();
      else res.write(text);
    };
    const sendChange = (kind, note) => {
      if (isFor(note, client)) send(`event: ${kind}\ndata: ${JSON.stringify(shown(note))}\n\n`);
    };

    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.flushHeaders();
    const beat = setInterval(send, heartbeat, ': still here\n\n');
    notes.on('change', sendChange);
    res.on('close', () => {
      open--;
      clearInterval(beat);
      notes.off('change', sendChange);
    });
  };
}
