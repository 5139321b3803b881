// What somebody who installed the packages from npm would write, one text per way to do so.

const server = `
const keys = await StaticKeys.generate(['X25519']);
const listener = createServer();
await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
const origin = 'http://127.0.0.1:' + listener.address().port;
const app = express();
const wire = [];
app.use((req, res, next) => {
  wire.push(req.headers['content-type']);
  next();
});
app.use(sealwire({ keys, origins: [origin] }));
app.use(express.json());
app.post('/echo', (req, res) => res.json({ body: req.body, n: req.sealed.n }));
listener.on('request', app);`;

const roundTrip = `
const sealedFetch = createSealedFetch({ origin, identity: keys.pins[0] });
const headers = { 'content-type': 'application/json' };
const response = await sealedFetch('/echo', { method: 'POST', headers, body: JSON.stringify({ note: 'hello' }) });
assert.deepStrictEqual(await response.json(), { body: { note: 'hello' }, n: 0 });
assert.strictEqual(wire.at(-1), 'application/vnd.sealwire');
const refused = await fetch(origin + '/echo', { method: 'POST', headers, body: '{}' });
assert.strictEqual(refused.headers.get('sealwire'), 'sealed-required');
await assert.rejects(sealedFetch('https://elsewhere.example/'), (error) => isSealwireError(error, 'other-origin'));
listener.close();
listener.closeAllConnections();
console.log('works');`;

/** An Express server and a client in one ES module. */
export const esmSource = `import assert from 'node:assert';
import { createServer } from 'node:http';
import { createSealedFetch, isSealwireError } from '@sealwire/client';
import { suites } from '@sealwire/core';
import { sealwire, StaticKeys } from '@sealwire/express';
import { createHandler } from '@sealwire/node';
import express from 'express';
assert.strictEqual(suites.length, 3);
assert.strictEqual(typeof createHandler, 'function');
${server}
${roundTrip}
`;

/** The same by `require()`, which Node >= 20.19 does with ES modules. */
export const commonJsSource = `const assert = require('node:assert');
const { createServer } = require('node:http');
const { createSealedFetch, isSealwireError } = require('@sealwire/client');
const { suites } = require('@sealwire/core');
const { sealwire, StaticKeys } = require('@sealwire/express');
const { createHandler } = require('@sealwire/node');
const express = require('express');
assert.strictEqual(suites.length, 3);
assert.strictEqual(typeof createHandler, 'function');
(async () => {
${server}
${roundTrip}
})();
`;

/** The public types: options, `req.sealed` on Express' own Request, codes that narrow, mistakes that are found. */
export const typedSource = `import { createServer } from 'node:http';
import { createSealedFetch, type ErrorCode, isSealwireError, type SealedFetch, SealwireError } from '@sealwire/client';
import { type MasterKey, type Session, suites } from '@sealwire/core';
import { allowPlaintext, requireSealed, sealwire, type SealwireOptions, StaticKeys } from '@sealwire/express';
import { createHandler, type Sealed } from '@sealwire/node';
import express, { type Request, type Response as ExpressResponse } from 'express';

const keys: StaticKeys = await StaticKeys.generate();
const options: SealwireOptions = { keys, origins: ['https://api.example.com'], policy: 'allow', fields: ['x-app-*'] };
const app = express();
app.use(sealwire(options));
app.get('/health', allowPlaintext(), (_req, res) => {
  res.send('ok');
});
app.post('/orders', requireSealed(), (req: Request, res: ExpressResponse) => {
  const sealed: Sealed | undefined = req.sealed;
  const client: string | undefined = req.sealed?.client;
  const n: number | undefined = sealed?.n;
  res.json({ client, n });
});
// @ts-expect-error: there is no such policy.
sealwire({ policy: 'maybe' });
// @ts-expect-error: there is no such option.
sealwire({ origin: 'https://api.example.com' });
createServer((req, res) => {
  const outerUrl = () => req.url ?? '/';
  const framework = { outerUrl, mountPath: () => '', setUrl: () => {}, allowsPlaintext: () => false };
  createHandler(options, framework)(req, res, () => res.end());
});

const sealedFetch: SealedFetch = createSealedFetch({ origin: 'https://api.example.com', identity: keys.pins });
// Takes the place of fetch.
const fetchLike: typeof fetch = sealedFetch;
// @ts-expect-error: the origin is required.
createSealedFetch({ identity: 'sw1' });

export async function order(body: unknown): Promise<string> {
  try {
    const ready: Promise<void> = sealedFetch.ready();
    await ready;
    const response = await sealedFetch('/orders', { method: 'POST', body: JSON.stringify(body) });
    const status: number = response.status;
    return status === 200 ? response.text() : fetchLike.name;
  } catch (error) {
    if (!isSealwireError(error)) throw error;
    const { code } = error;
    switch (code) {
      case 'outcome-unknown':
        return 'ask';
      case 'unavailable':
      case 'too-many-handshakes':
        return 'later';
      // @ts-expect-error: there is no such code.
      case 'no-such-code':
        return '';
      default: {
        const rest: Exclude<ErrorCode, 'outcome-unknown' | 'unavailable' | 'too-many-handshakes'> = code;
        throw new SealwireError(rest);
      }
    }
  }
}

export const names: string[] = suites.map(({ name }) => name);
export const masterOf = (session: Session): MasterKey => session.master;
`;

/** A page has no types of Node. */
export const browserSource = `import { createSealedFetch, isSealwireError, type SealedResponse } from '@sealwire/client';

const sealedFetch = createSealedFetch({ origin: location.origin, trust: 'tls' });
export const send = (form: FormData, signal: AbortSignal): Promise<SealedResponse> =>
  sealedFetch('/upload', { method: 'POST', body: form, signal, onUploadProgress: ({ loaded }) => console.log(loaded) });
export const isOffline = (error: unknown): boolean => !isSealwireError(error) && error instanceof TypeError;
// @ts-expect-error: there is no such option.
createSealedFetch({ origin: location.origin, trust: 'anyone' });
`;
