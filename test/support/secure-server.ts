import type { IncomingMessage, Server } from 'node:http';
import { createSecureServer } from 'node:http2';
import { Agent, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MemorySessionStore } from '@sealwire/core';
import { certificate } from './certificate.ts';
import { afterwards } from './resources.ts';
import { pin } from './servers.ts';
import type { Stack, StackApp } from './stacks.ts';

const { key, cert } = certificate;

/** A server of HTTP/2 and HTTP/1.1 on one port, behind TLS. */
export interface SecureListener {
  readonly origin: string;
  readonly port: number;
  readonly server: Server;
  /** Connections that were opened so far. */
  readonly connections: number;
}

/** One with an application; `ca` is the certificate that a client has to trust. */
export interface SecureServer extends SecureListener {
  readonly pin: string;
  readonly ca: string;
}

/** Starts one on 127.0.0.1 that answers nothing yet; it is closed after the test. */
export async function listenSecure(): Promise<SecureListener> {
  const server = createSecureServer({ key, cert, allowHTTP1: true });
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('secureConnection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  afterwards(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  );
  return {
    origin: `https://localhost:${port}`,
    port,
    server: server as unknown as Server,
    get connections() {
      return connections;
    },
  };
}

/** Starts an application on one, behind Sealwire unless `sealed` is false. */
export async function startSecure(
  stack: Stack,
  app: StackApp,
  { sealed = true } = {},
): Promise<SecureServer> {
  const listener = await listenSecure();
  const store = sealed ? new MemorySessionStore() : undefined;
  listener.server.on('request', stack.listener(app, listener.origin, store));
  return Object.assign(listener, { pin, ca: cert });
}

/** A platform fetch over HTTP/1.1 that trusts one certificate; it has as much of a fetch as Sealwire needs. */
export function fetchTrusting(ca: string): (url: string, init?: RequestInit) => Promise<Response> {
  const agent = new Agent({ ca, keepAlive: true });
  afterwards(() => agent.destroy());
  return async (url, { method = 'GET', headers, body, signal } = {}) => {
    const fields = Object.fromEntries(new Headers(headers));
    const sending = request(url, { agent, method, headers: fields, ...(signal && { signal }) });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      sending.on('response', resolve).on('error', reject);
    });
    const bytes = new Response(body ?? null).body;
    if (bytes === null) sending.end();
    // What goes wrong is heard of the answer.
    else pipeline(Readable.fromWeb(bytes as never), sending).catch(() => {});
    const answer = await answered;
    const received = new Headers();
    for (let i = 0; i < answer.rawHeaders.length; i += 2) {
      received.append(answer.rawHeaders[i] as string, answer.rawHeaders[i + 1] as string);
    }
    return new Response(Readable.toWeb(answer) as ReadableStream<Uint8Array<ArrayBuffer>>, {
      status: answer.statusCode as number,
      headers: received,
    });
  };
}
