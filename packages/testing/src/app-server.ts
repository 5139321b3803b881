import { once } from 'node:events';
import { Agent, createServer, Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer, Agent as TlsAgent } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { nodeFetch } from '@sealwire/client/node';
import { SealwireError } from '@sealwire/core';

/** What supertest takes, but for http2: a function such as an Express app or Koa's `app.callback()`, or a server. */
export type TestedApp = RequestListener | HttpServer | HttpsServer;

/** The server of the app under test. Unless its owner had it listen, it is open while requests are under way. */
export class AppServer {
  readonly #server: HttpServer | HttpsServer;
  #opened: Promise<ReturnType<typeof nodeFetch>> | undefined;
  #owned = false;

  /** @throws SealwireError `invalid-option` */
  constructor(app: TestedApp) {
    const server: unknown = typeof app === 'function' ? createServer(app) : app;
    if (!(server instanceof HttpServer || server instanceof HttpsServer)) {
      throw new SealwireError(
        'invalid-option',
        'The app is a function (Express: `app`, Koa: `app.callback()`), or a server of node:http or node:https.',
      );
    }
    this.#server = server;
  }

  get scheme(): 'http' | 'https' {
    return this.#server instanceof HttpsServer ? 'https' : 'http';
  }

  /** False if the app is an Express app that takes no proxy's word for the target of a request. */
  get trustsProxies(): boolean {
    const [app] = this.#server.listeners('request') as { settings?: Record<string, unknown> }[];
    const trust = app?.settings?.['trust proxy fn'] as
      | ((address: string, hop: number) => boolean)
      | undefined;
    return trust?.('127.0.0.1', 0) ?? true;
  }

  /** A server of the same kind, with the same certificate, that stands for this one. */
  double(listener: RequestListener): HttpServer | HttpsServer {
    if (!(this.#server instanceof HttpsServer)) return createServer(listener);
    // Node keeps there what the server was made with.
    const { key, cert, pfx, passphrase, ca } = this.#server as SecureContextOptions;
    return createHttpsServer({ key, cert, pfx, passphrase, ca }, listener);
  }

  /** A platform fetch that comes here whatever host the URL names. */
  readonly fetch: ReturnType<typeof nodeFetch> = async (input, init) => {
    this.#opened ??= this.#open();
    const fetch = await this.#opened;
    return fetch(input, init);
  };

  async #open(): Promise<ReturnType<typeof nodeFetch>> {
    const server = this.#server;
    this.#owned = server.address() === null;
    if (this.#owned) await once(server.listen(0, '127.0.0.1').unref(), 'listening');
    const { address, port } = server.address() as AddressInfo;
    // No connection outlives its request; and no certificate has to tell who this is.
    const agent = this.scheme === 'https' ? new TlsAgent({ rejectUnauthorized: false }) : new Agent();
    return nodeFetch({ connectTo: `${this.scheme}://${reachable(address)}:${port}`, agent });
  }

  close(): void {
    this.#opened = undefined;
    if (this.#owned) this.#server.close();
  }
}

/** Where to connect to for an address that is listened on, as a URL writes it. */
function reachable(address: string): string {
  if (address === '::' || address === '0.0.0.0') return '127.0.0.1';
  return address.includes(':') ? `[${address}]` : address;
}
