import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  answerHandshake,
  configurationType,
  handshakeType,
  isSealwireError,
  maxHandshakeLength,
  type PublishedConfiguration,
  SealwireError,
} from '@sealwire/core';
import type { Settings } from './options.ts';
import { type ProblemOptions, sendProblem } from './problem.ts';

/** Life of a session from its handshake on, and how long it may rest, in milliseconds. */
const maxAge = 24 * 3_600_000;
const maxIdle = 3_600_000;

/** `GET /.well-known/sealwire`: the signed key configuration. */
export async function answerConfiguration(
  settings: Settings,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const published = await publish(settings, req);
  if (res.destroyed) return;
  res.statusCode = 200;
  res.setHeader('content-type', configurationType);
  res.setHeader('content-length', Buffer.byteLength(published.body));
  res.setHeader('cache-control', `public, max-age=${Math.floor(published.maxAge / 1000)}`);
  res.end(req.method === 'HEAD' ? undefined : published.body);
}

async function publish(settings: Settings, req: IncomingMessage): Promise<PublishedConfiguration> {
  const keys = await settings.keys;
  const aud = settings.origins === undefined ? originsOfHost(req) : [...settings.origins];
  return keys.publish({ aud, fields: settings.fields }, settings.now());
}

/** Development: whatever host the client called. */
function originsOfHost(req: IncomingMessage): string[] {
  const host = req.headers[':authority'] ?? req.headers.host;
  return host === undefined ? [] : [`http://${host}`, `https://${host}`];
}

/** `POST` to the handshake endpoint. */
export async function answerHandshakeRequest(
  settings: Settings,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  let reply: Uint8Array;
  try {
    if (req.headers['content-type'] !== handshakeType || req.headers['content-encoding'] !== undefined) {
      throw new SealwireError(
        'malformed',
        `A handshake has the content type ${handshakeType} and no encoding.`,
      );
    }
    const body = await readBody(req);
    const keys = await settings.keys;
    reply = await answerHandshake(body, {
      findKey: (kid) => keys.findKey(kid),
      store: settings.store,
      now: settings.now(),
      maxAge,
      maxIdle,
      admit: (work) => settings.admit(req, work),
    });
  } catch (error) {
    if (req.destroyed && !req.complete) return;
    if (!isSealwireError(error) || error.code === 'parser-before-sealwire') throw error;
    sendProblem(res, error, { ...(await remedy(error, settings, req)), close: !req.complete });
    return;
  }
  if (res.destroyed) return;
  res.statusCode = 200;
  res.setHeader('content-type', handshakeType);
  res.setHeader('content-length', reply.length);
  res.setHeader('cache-control', 'no-store');
  res.end(reply);
}

/** What a refused client needs for its next attempt. */
async function remedy(
  error: SealwireError,
  settings: Settings,
  req: IncomingMessage,
): Promise<ProblemOptions> {
  if (error.code === 'too-many-handshakes') return { retryAfter: 10 };
  if (error.code === 'unavailable') return { retryAfter: 1 };
  if (error.code !== 'unknown-key') return {};
  // A cache in between may go on serving the configuration that named the key; this one comes past it.
  const { body } = await publish(settings, req);
  return { members: { configuration: JSON.parse(body) } };
}

function readBody(req: IncomingMessage): Promise<Uint8Array> {
  if (req.readableDidRead) throw new SealwireError('parser-before-sealwire');
  // Not `for await`: leaving it early would destroy the socket, and nobody could be told why.
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxHandshakeLength) chunks.push(chunk);
      else reject(new SealwireError('malformed', 'The handshake is too long.'));
    });
    req.on('end', () => resolve(Buffer.concat(chunks)));
    req.on('error', reject);
  });
}
