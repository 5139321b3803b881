import { get, type IncomingMessage, type RequestListener } from 'node:http';
import type { SealedFetch, SealedRequestInit } from '@sealwire/client';
import type { Application } from 'express';
import type { Express } from './cases.ts';
import { clientOf } from './clients.ts';
import {
  listen,
  type Running,
  type SealedAppOptions,
  startPlain,
  startSealed,
  startSealedNode,
} from './servers.ts';

/** What an application lets its client see of a response, in a form that can be compared. */
export interface Visible {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** One app twice, with and without Sealwire, so that a test can show that they behave alike. */
export interface Twins {
  readonly sealed: SealedFetch;
  readonly plain: (path: string, init?: RequestInit) => Promise<Response>;
  readonly servers: { plain: Running; sealed: Running & { pin: string } };
  /** Asks both the same and returns what each showed. */
  ask(path: string, init?: () => SealedRequestInit): Promise<{ plain: Visible; sealed: Visible }>;
  /** GET with just these headers in plain, where a fetch adds `cache-control` to conditional ones (fetch standard). */
  askBare(path: string, headers: Record<string, string>): Promise<{ plain: Visible; sealed: Visible }>;
}

export async function startTwins(
  express: Express,
  routes: (app: Application, express: Express) => void,
  options: SealedAppOptions = {},
): Promise<Twins> {
  const plainServer = await startPlain(express, (app, version) => {
    options.before?.(app);
    routes(app, version);
  });
  return twinsOf(plainServer, await startSealed(express, routes, options));
}

/** The same for a listener of plain Node. */
export async function startNodeTwins(listener: RequestListener): Promise<Twins> {
  return twinsOf(await listen(listener), await startSealedNode(listener));
}

/** What was started twice, as twins. */
export function twinsOf(plainServer: Running, sealedServer: Running & { pin: string }): Twins {
  const sealed = clientOf(sealedServer);
  const plain = (path: string, init?: RequestInit) => fetch(plainServer.origin + path, init);
  return {
    sealed,
    plain,
    servers: { plain: plainServer, sealed: sealedServer },
    async ask(path, init = () => ({})) {
      const answers = await Promise.all([plain(path, init()), sealed(path, init())]);
      const [ofPlain, ofSealed] = await Promise.all(answers.map(visible));
      return { plain: ofPlain as Visible, sealed: ofSealed as Visible };
    },
    async askBare(path, headers) {
      const ofPlain = bare(plainServer.origin + path, headers);
      return { plain: await ofPlain, sealed: await visible(await sealed(path, { headers })) };
    },
  };
}

async function bare(url: string, headers: Record<string, string>): Promise<Visible> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers }, resolve).on('error', reject);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const fields = Object.entries(response.headers).filter(([name]) => !leftOut.has(name)) as [
    string,
    string,
  ][];
  return {
    status: response.statusCode as number,
    headers: sorted(Object.fromEntries(fields)),
    body: Buffer.concat(chunks).toString('latin1'),
  };
}

/** Headers of the connection, and what every sealed response says outside. */
const leftOut = new Set(['connection', 'keep-alive', 'date', 'transfer-encoding', 'vary']);

/** Status, headers and body: inner headers, and of the outer ones those that are the application's. */
export async function visible(response: Response & { sealed?: { outer: Headers } }): Promise<Visible> {
  const headers: Record<string, string> = {};
  const { sealed } = response;
  for (const [name, value] of response.headers) if (!leftOut.has(name)) headers[name] = value;
  if (sealed !== undefined) {
    const envelope = new Set([...leftOut, 'content-type', 'content-length', 'cache-control']);
    for (const [name, value] of sealed.outer) if (!envelope.has(name)) headers[name] = value;
  }
  const body = Buffer.from(await response.arrayBuffer()).toString('latin1');
  return { status: response.status, headers: sorted(headers), body };
}

function sorted(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1)));
}
