import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createHandler, type Sealed, type SealwireOptions } from '@sealwire/node';
import { Http2Client } from './http2-client.ts';
import { recorded } from './recording.ts';
import { afterwards } from './resources.ts';
import { keys, nodeFramework, pin } from './servers.ts';

export type Http2Listener = (req: Http2ServerRequest & { sealed?: Sealed }, res: Http2ServerResponse) => void;

/** Starts an http2 server whose listener comes behind Sealwire, and a client with a session. */
export async function startHttp2(
  listener: Http2Listener,
  options: SealwireOptions = {},
): Promise<Http2Client & { readonly server: Http2Server; end(): Promise<void> }> {
  const handle = createHandler({ keys, ...recorded(options) }, nodeFramework);
  const server = createServer((req, res) => {
    handle(req as unknown as IncomingMessage, res as unknown as ServerResponse, (error) => {
      if (error === undefined) listener(req, res);
      else res.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  afterwards(() => {
    server.close();
  });
  const client = await Http2Client.connect({ origin: `http://127.0.0.1:${port}`, pin });
  return Object.assign(client, {
    server,
    /** Ends connection and server, once all streams are closed. */
    async end() {
      client.connection.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}
