import { it } from './cases.ts';
import { clientOf } from './clients.ts';
import { Http2Client } from './http2-client.ts';
import { SecureApp } from './secure-app.ts';
import { fetchTrusting, type SecureServer, startSecure } from './secure-server.ts';
import { stacks } from './stacks.ts';

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export type Ask = (request: { method?: string; path: string; body?: Buffer<ArrayBuffer> }) => Promise<Answer>;

/** Both protocols of a server, each as a client that asks it sealed. */
const protocols: Record<string, (server: SecureServer) => Promise<Ask>> = {
  async '2.0'(server) {
    const client = await Http2Client.connect(server);
    return async (request) => {
      const { opened } = await client.exchange({ method: request.body ? 'POST' : 'GET', ...request });
      if (!opened?.complete) throw new Error('the answer is not whole');
      return opened;
    };
  },
  async '1.1'(server) {
    const sealedFetch = clientOf(server, { fetch: fetchTrusting(server.ca) });
    return async ({ path, method = 'GET', body }) => {
      const response = await sealedFetch(path, body ? { method: 'POST', body } : { method });
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
    };
  },
};

/** What a test of one kind of server has. */
export interface SecureCase {
  readonly app: SecureApp;
  readonly server: SecureServer;
}

/** Those that take requests of http2's compatibility API; Express, plain or sealed, does not. */
const kinds = stacks.filter(({ kind, http2 }) => kind === 'node' || (kind === 'koa' && !http2));

/** Registers a test three times: Koa 2, Koa 3, plain `node:http2`. */
export function onEach(name: string, run: (each: SecureCase) => Promise<void>): void {
  for (const stack of kinds) {
    it(`${name} (${stack.name})`, async () => {
      const app = new SecureApp();
      await run({ app, server: await startSecure(stack, app) });
    });
  }
}

/** Registers a test for each kind of server and for each protocol. */
export function onBoth(
  name: string,
  run: (each: SecureCase & { ask: Ask; version: string }) => Promise<void>,
): void {
  for (const [version, connect] of Object.entries(protocols)) {
    onEach(`${name}, HTTP/${version}`, async (each) => {
      await run({ ...each, ask: await connect(each.server), version });
    });
  }
}
