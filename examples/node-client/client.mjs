// Talks to the notes app from Node, sealed: node client.mjs [url] [pin]
import { createSealedFetch } from '@sealwire/client';
// A feed can be read wherever there is a fetch: the page of the notes app reads it with the same lines.
import { readEvents } from '../notes-shared/page/event-stream.js';
import { readArguments } from './arguments.mjs';
import { explain } from './explain.mjs';

const leaving = new AbortController();
let origin;
try {
  const given = readArguments(process.argv.slice(2), process.env);
  origin = given.origin;
  await run(given);
} catch (error) {
  console.error(explain(error, origin));
  process.exitCode = 1;
} finally {
  // Ends the feed, or this process would listen for as long as the server talks.
  leaving.abort();
}

async function run({ origin, pin }) {
  const sealedFetch = createSealedFetch({ origin, ...(pin ? { identity: pin } : { trust: 'tls' }) });
  say('server', origin);
  say('pin', pin ?? `none: whoever ${origin.startsWith('https:') ? 'ends TLS' : 'answers'} is believed`);

  await sealedFetch.ready();
  say('handshake', 'done; everything from here on is sealed');

  // From here on it is fetch. The feed first, so that it tells what happens next.
  const feedInit = { headers: { Accept: 'text/event-stream' }, signal: leaving.signal };
  const feed = readEvents(await call('/feed', feedInit));

  const created = await call('/notes', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ text: 'Dinner with Ada at eight. The door code is 4711.' }),
  });
  const { id } = await created.json();
  await sayEvent('created');

  const notes = await (await call('/notes')).json();
  for (const { text } of notes.slice(0, 3)) say('', text);

  const form = new FormData();
  form.append('file', new Blob(['month,amount\njan,1200\n'], { type: 'text/csv' }), 'budget.csv');
  await call(`/notes/${id}/files`, { method: 'POST', body: form });
  await sayEvent('changed');

  await call(`/notes/${id}`, { method: 'DELETE' });
  await sayEvent('deleted');

  async function call(path, init = {}) {
    const response = await sealedFetch(path, init);
    say(`${init.method ?? 'GET'} ${path}`, response.status);
    if (response.ok) return response;
    const { error } = await response.json().catch(() => ({}));
    throw new Error(error ?? `The server answered ${response.status}.`);
  }

  /** Waits until the feed tells that this happened to our note; others may be at work, too. */
  async function sayEvent(type) {
    for (;;) {
      const { value: event, done } = await feed.next();
      if (done) throw new Error('The feed ended.');
      const note = JSON.parse(event.data);
      if (note.id !== id || event.type !== type) continue;
      const files = note.files.map(({ name, size }) => `${name}, ${size} bytes`);
      say('  event', [`${type} note ${id}`, ...files].join(': '));
      return;
    }
  }
}

function say(what, text) {
  console.log(`${what.padEnd(22)}${text}`);
}
