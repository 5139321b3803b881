// The live feed, as server-sent events.

const maxFeeds = 100;
/** A reader that lets so much pile up, in bytes, is gone or stuck. */
const maxUnread = 1024 * 1024;
/** Proxies close what says nothing for a while, in milliseconds. */
const heartbeat = 25_000;

/** A handler that sends every change of the notes as an event. */
export function feedOf(notes) {
  let open = 0;

  return function feed(_req, res) {
    if (open >= maxFeeds) {
      res.status(503).set('Retry-After', '5').json({ error: 'Too many feeds are open.' });
      return;
    }
    open++;
    const send = (text) => {
      if (res.writableLength > maxUnread) res.destroy();
      else res.write(text);
    };
    const sendChange = (kind, note) => send(`event: ${kind}\ndata: ${JSON.stringify(note)}\n\n`);

    res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
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
