// What somebody who installed the packages from npm would write, one text per way to do so.

/** A server that answers with the body and the number of an exchange, by framework. */
const servers = {
  express: `
const app = express();
app.use((req, res, next) => {
  wire.push(req.headers['content-type']);
  next();
});
app.use(sealwire({ keys, origins: [origin] }));
app.use(express.json());
app.post('/echo', (req, res) => res.json({ body: req.body, n: req.sealed.n }));
listener.on('request', app);`,
  koa: `
const app = new Koa();
app.use((ctx, next) => {
  wire.push(ctx.get('content-type'));
  return next();
});
app.use(sealwire({ keys, origins: [origin] }));
app.use(bodyParser());
app.use((ctx) => {
  ctx.body = { body: ctx.request.body, n: ctx.sealed.n };
});
listener.on('request', app.callback());`,
};

/** What each framework is imported as, and what of its own. */
const imports = {
  express: { express: 'express' },
  koa: { Koa: 'koa', '{ bodyParser }': '@koa/bodyparser' },
};

const before = `
const keys = await StaticKeys.generate(['X25519']);
const listener = createServer();
await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
const origin = 'http://127.0.0.1:' + listener.address().port;
const wire = [];`;

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

/** A server of a framework and a client in one ES module. */
export function esmSource(framework) {
  const own = Object.entries(imports[framework]).map(([name, from]) => `import ${name} from '${from}';`);
  return `import assert from 'node:assert';
import { createServer } from 'node:http';
import { createSealedFetch, isSealwireError } from '@sealwire/client';
import { suites } from '@sealwire/core';
import { sealwire, StaticKeys } from '@sealwire/${framework}';
import { createHandler } from '@sealwire/node';
${own.join('\n')}
assert.strictEqual(suites.length, 3);
assert.strictEqual(typeof createHandler, 'function');
${before}${servers[framework]}
${roundTrip}
`;
}

/** The same by `require()`, which Node >= 20.19 does with ES modules. */
export function commonJsSource(framework) {
  const own = Object.entries(imports[framework]).map(([name, from]) => `const ${name} = require('${from}');`);
  return `const assert = require('node:assert');
const { createServer } = require('node:http');
const { createSealedFetch, isSealwireError } = require('@sealwire/client');
const { suites } = require('@sealwire/core');
const { sealwire, StaticKeys } = require('@sealwire/${framework}');
const { createHandler } = require('@sealwire/node');
${own.join('\n')}
assert.strictEqual(suites.length, 3);
assert.strictEqual(typeof createHandler, 'function');
(async () => {
${before}${servers[framework]}
${roundTrip}
})();
`;
}

/** The types of the Koa adapter: options, `ctx.sealed` on Koa's own Context, mistakes that are found. */
export const koaTypedSource = `import { allowPlaintext, requireSealed, type Sealed, sealwire, type SealwireOptions, StaticKeys } from '@sealwire/koa';
import Koa, { type Context, type Middleware } from 'koa';

const keys: StaticKeys = await StaticKeys.generate();
const options: SealwireOptions = { keys, origins: ['https://api.example.com'], policy: 'allow' };
const app = new Koa();
const seal: Middleware = sealwire(options);
app.use(allowPlaintext());
app.use(seal);
app.use(requireSealed());
app.use((ctx) => {
  const sealed: Sealed | undefined = ctx.sealed;
  ctx.body = { client: ctx.sealed?.client, n: sealed?.n };
  // @ts-expect-error: plaintext has none.
  ctx.sealed.n;
});
export const sidOf = (ctx: Context): string | undefined => ctx.sealed?.sid;
// @ts-expect-error: there is no such policy.
sealwire({ policy: 'maybe' });
`;

/** The public types: the Express adapter's options, `req.sealed` on Express' own Request, codes that narrow, mistakes that are found. */
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
import { type SealwireInspector, showInspector } from '@sealwire/client/inspector';
import { registerSealedWorker, sealRequests } from '@sealwire/client/worker';
import { xhrFetch } from '@sealwire/client/xhr';

const sealedFetch = createSealedFetch({ origin: location.origin, trust: 'tls', fetch: xhrFetch() });
export const send = (form: FormData, signal: AbortSignal): Promise<SealedResponse> =>
  sealedFetch('/upload', { method: 'POST', body: form, signal, onUploadProgress: ({ loaded }) => console.log(loaded) });
export const isOffline = (error: unknown): boolean => !isSealwireError(error) && error instanceof TypeError;
export const panel: Promise<SealwireInspector> = showInspector(sealedFetch);
await registerSealedWorker('/worker.js', { onFailure: ({ code }, { url }) => console.log(code, url) });
sealRequests({ origin: location.origin, trust: 'tls', except: ['/'] });
// @ts-expect-error: a worker seals or passes by.
sealRequests({ origin: location.origin, trust: 'tls', otherOrigins: 'fetch' });
// @ts-expect-error: there is no such option.
createSealedFetch({ origin: location.origin, trust: 'anyone' });
`;
