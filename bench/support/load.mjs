// The load generator of express-json.bench.mjs, in a process of its own: makes the requests of a round before the
// clock starts, sends them, and checks a sample of the answers afterwards.
import { messageType } from '@sealwire/core';
import { answerParent } from './child.mjs';
import { drive } from './drive.mjs';
import { orderJson } from './order.mjs';
import { SealedClient } from './sealed-client.mjs';

const connections = 16;
const sampleSize = 20;
const path = '/echo';
const body = orderJson(1024);

// The headers that Node's fetch sends beside the caller's and Sealwire's own.
const own = { 'content-type': 'application/json' };
const negotiated = { accept: '*/*', 'accept-language': '*' };
const encodings = { 'accept-encoding': 'gzip, deflate' };
const platform = { 'sec-fetch-mode': 'cors', 'user-agent': 'node' };

/** By port: the session of a sealed server. */
const clients = new Map();

function httpRequest(port, fields, content) {
  const lines = Object.entries({ host: `127.0.0.1:${port}`, connection: 'keep-alive', ...fields });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n`), content]);
}

function plainRequest(port) {
  const fields = { ...own, ...negotiated, ...platform, ...encodings, 'content-length': body.length };
  const bytes = httpRequest(port, fields, body);
  return { bytes, open: (answer) => ({ status: 200, body: answer }) };
}

function sealedRequest(port) {
  const fields = Object.entries({
    ...own,
    ...negotiated,
    ...encodings,
    'content-length': String(body.length),
  });
  const { header, message, open } = clients.get(port).seal({ path, fields, body });
  const outer = {
    sealwire: header,
    'content-type': messageType,
    ...negotiated,
    ...platform,
    pragma: 'no-cache',
    'cache-control': 'no-cache',
    ...encodings,
    'content-length': message.length,
  };
  return { bytes: httpRequest(port, outer, message), open };
}

let prepared;

answerParent({
  /** Makes `count` requests, each sealed one under a number of its own. */
  async prepare({ port, sealed, pins, count }) {
    if (sealed) {
      if (!clients.has(port)) clients.set(port, new SealedClient(`http://127.0.0.1:${port}`, pins));
      await clients.get(port).reserve(count);
    }
    const step = Math.max(1, Math.floor(count / sampleSize));
    const requests = [];
    const openers = new Map();
    for (let i = 0; i < count; i++) {
      const { bytes, open } = sealed ? sealedRequest(port) : plainRequest(port);
      requests.push(bytes);
      if (i % step === 0) openers.set(i, open);
    }
    prepared = { port, requests, openers };
    globalThis.gc();
  },
  /** Sends them; the seconds until the last answer. */
  async run() {
    const { port, requests, openers } = prepared;
    const { seconds, kept } = await drive(port, requests, connections, openers);
    prepared = undefined;
    for (const [index, answer] of kept) {
      const opened = openers.get(index)(answer);
      if (opened.status !== 200 || !body.equals(opened.body))
        throw new Error(`answer ${index} is not the echo`);
    }
    return seconds;
  },
});
