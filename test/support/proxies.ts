import { type IncomingHttpHeaders, request, type ServerResponse } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { afterwards } from './resources.ts';
import { listen, type Running } from './servers.ts';

/** A message on its way through a proxy. */
export interface Passing {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** What comes back through a proxy. */
export interface Returning {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** The connection breaks after the body instead of ending it. */
  broken?: boolean;
}

export interface ProxyRules {
  request?(passing: Passing): void;
  response?(returning: Returning, passing: Passing): void;
}

/** A reverse proxy in front of a server that changes whole messages; the framing it sends is always right. */
export function startProxy(target: { port: number }, rules: ProxyRules): Promise<Running> {
  return listen(async (req, res) => {
    const passing: Passing = {
      method: req.method as string,
      url: req.url as string,
      headers: { ...req.headers },
      body: await collect(req),
    };
    rules.request?.(passing);
    const { method, url: path, headers, body } = passing;
    if (body.length > 0 || headers['content-length'] !== undefined) {
      delete headers['transfer-encoding'];
      headers['content-length'] = String(body.length);
    }
    const forward = request({ host: '127.0.0.1', port: target.port, method, path, headers, agent: false });
    forward.on('error', () => res.destroy());
    forward.on('response', async (answer) => {
      const returning: Returning = {
        status: answer.statusCode as number,
        headers: { ...answer.headers },
        body: await collect(answer),
      };
      rules.response?.(returning, passing);
      answerWith(res, returning);
    });
    forward.end(body);
  });
}

function answerWith(res: ServerResponse, { status, headers, body, broken }: Returning): void {
  // Chunked, so that a shorter body ends as cleanly as a whole one.
  delete headers['content-length'];
  delete headers['connection'];
  res.writeHead(status, headers);
  res.flushHeaders();
  if (broken === true) res.write(body, () => setImmediate(() => res.destroy()));
  else res.end(body);
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
  } catch {
    // The other side broke off: what came is passed on.
  }
  return Buffer.concat(chunks);
}

/** A tap on the wire: everything passes as it is, and is kept, in both directions. */
export async function startTap(target: {
  port: number;
}): Promise<{ origin: string; port: number; up: Buffer[]; down: Buffer[] }> {
  const up: Buffer[] = [];
  const down: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target.port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk) => up.push(chunk)).pipe(upstream);
    upstream.on('data', (chunk) => down.push(chunk)).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { port: number };
  return { origin: `http://127.0.0.1:${port}`, port, up, down };
}
