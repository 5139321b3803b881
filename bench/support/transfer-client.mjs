// The client of memory.bench.mjs and test/memory.test.ts: streams bodies up and down through `fetch`, sealed or plain.
import { createSealedFetch } from '@sealwire/client';
import { chunks } from './body.mjs';
import { answerParent } from './child.mjs';
import { watchProcess } from './process.mjs';

/** By origin: sealed fetches, each with its session. */
const sealedFetches = new Map();

function fetchOf(origin, pin) {
  if (pin === undefined) return (path, init) => fetch(origin + path, init);
  if (!sealedFetches.has(origin)) {
    sealedFetches.set(origin, createSealedFetch({ origin, identity: pin, suites: ['X25519'] }));
  }
  return sealedFetches.get(origin);
}

async function upload(send, length) {
  const body = ReadableStream.from(chunks(length));
  const response = await send('/upload', { method: 'POST', body, duplex: 'half' });
  return Number(await response.text());
}

async function download(send, length) {
  const response = await send(`/download/${length}`);
  let received = 0;
  for await (const bytes of response.body) received += bytes.length;
  return received;
}

const directions = { upload, download };

answerParent({
  /** Sends or fetches so many bytes; sealed if there is a pin. How long it took in seconds, and see `watchProcess`. */
  async transfer({ origin, pin, direction, length }) {
    const send = fetchOf(origin, pin);
    const watched = watchProcess();
    const start = process.hrtime.bigint();
    const arrived = await directions[direction](send, length);
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    if (arrived !== length) throw new Error(`${arrived} of ${length} bytes arrived`);
    return { seconds, ...watched() };
  },
});
