import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { pattern } from '../../../../test/support/bytes.ts';

const ofConnection = new Set(['connection', 'keep-alive', 'host', 'user-agent', 'expect']);

/** What every client of these tests calls: says what it was asked, and a few things that clients tell apart. */
export const app: RequestListener = async (req, res) => {
  const url = new URL(req.url as string, 'http://host.test');
  const [, name = '', rest = ''] = url.pathname.split('/');
  if (name === 'status') res.writeHead(Number(rest), { 'content-type': 'text/plain' }).end('a body');
  else if (name === 'redirect') res.writeHead(Number(rest), { location: '/echo' }).end('redirected');
  else if (name === 'away') res.writeHead(302, { location: 'http://elsewhere.test/' }).end();
  else if (name === 'binary') res.end(pattern(300_000));
  else if (name === 'gzip') res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('decoded'));
  else if (name === 'cookie')
    res.writeHead(200, { 'set-cookie': ['a=b; Path=/', 'c=d; Path=/echo; Max-Age=60'] }).end('set');
  else if (name === 'breaks') res.write('begun', () => setTimeout(() => req.socket.destroy(), 50));
  else if (name === 'hangs') req.resume();
  else {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    // The boundary of a form is random, and as long as each client likes.
    const boundary = req.headers['content-type']?.match(/boundary=(\S+)/)?.[1];
    const leftOut = (field: string) =>
      ofConnection.has(field) || (field === 'content-length' && boundary !== undefined);
    const headers = Object.entries(req.headers).filter(([field]) => !leftOut(field));
    const body = Buffer.concat(chunks)
      .toString('latin1')
      .replaceAll(boundary ?? 'no boundary', 'BOUNDARY');
    const text = JSON.stringify({ method: req.method, url: req.url, headers: headers.sort(), body });
    res.setHeader('content-type', 'application/json').setHeader('x-answer', 'yes');
    res.end(text.replaceAll(boundary ?? 'no boundary', 'BOUNDARY'));
  }
};
