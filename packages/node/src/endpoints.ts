import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  answerHandshake,
  configurationType,
  type ErrorCode,
  type HandshakeNotes,
  handshakeType,
  isSealwireError,
  maxHandshakeLength,
  type PublishedConfiguration,
  type Revoked,
  SealwireError,
  statusOf,
} from '@sealwire/core';
import { recordAccepted, recordRefused } from './audit.ts';
import { Deadlines } from './deadline.ts';
import type { Settings } from './options.ts';
import { type ProblemOptions, sendProblem } from './problem.ts';
import type { Revocable } from './running.ts';

/** Life of a session from its handshake on, and how long it may rest, in milliseconds. */
const maxAge = 24 * 3_600_000;
const maxIdle = 3_600_000;
/** How long the body of a handshake may take, in milliseconds; http2 has no limit of its own. */
const bodyDeadline = 15_000;

const bodyDeadlines = new Deadlines<() => void>(bodyDeadline, (expire) => expire());

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

/** A handshake as far as a revocation is concerned. */
class PendingHandshake implements Revocable {
  kid: string | undefined;
  client: string | undefined;
  readonly gone = false;
  refusal: ErrorCode | undefined;

  revoke(which: Revoked): void {
    this.refusal = 'kid' in which ? 'unknown-key' : 'client-refused';
  }
}

/** `POST` to the handshake endpoint. */
export async function answerHandshakeRequest(
  settings: Settings,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  let reply: Uint8Array;
  const notes: HandshakeNotes = {};
  const began = performance.now();
  try {
    if (req.headers['content-type'] !== handshakeType || req.headers['content-encoding'] !== undefined) {
      throw new SealwireError(
        'malformed',
        `A handshake has the content type ${handshakeType} and no encoding.`,
      );
    }
    const body = await readBody(req);
    if (body === undefined) return;
    reply = await handshake(settings, req, body, notes);
    recordAccepted(settings.record, notes, began);
  } catch (error) {
    if (isRefusal(error)) recordRefused(settings.record, error, notes, began);
    if (req.destroyed && !req.complete) return;
    if (!isRefusal(error)) throw error;
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

/** Answers a handshake, unless its client or key is revoked meanwhile: its session may have been made after that. */
async function handshake(
  settings: Settings,
  req: IncomingMessage,
  body: Uint8Array,
  notes: HandshakeNotes,
): Promise<Uint8Array> {
  const keys = await settings.keys;
  const { clients, revocation } = settings;
  const pending = new PendingHandshake();
  revocation.running.add(pending);
  try {
    const reply = await answerHandshake(body, {
      findKey(kid) {
        pending.kid = kid;
        return keys.findKey(kid);
      },
      store: settings.store,
      now: settings.now(),
      maxAge,
      maxIdle,
      admit: (work, remote) => settings.admit(req, work, remote),
      notes,
      async allow(client) {
        pending.client = client;
        if (clients === undefined) return;
        const known = client === undefined ? undefined : await clients.ask(client);
        if (known === undefined) throw new SealwireError('client-refused');
      },
    });
    // Whoever it is for does not hear of the session.
    if (pending.refusal !== undefined) throw new SealwireError(pending.refusal);
    return reply;
  } finally {
    revocation.running.delete(pending);
  }
}

/** Mistakes in setting up are the application's affair, and tell clients nothing. */
function isRefusal(error: unknown): error is SealwireError {
  return isSealwireError(error) && error.code !== 'parser-before-sealwire' && statusOf(error.code) !== 0;
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
  try {
    const { body } = await publish(settings, req);
    return { members: { configuration: JSON.parse(body) } };
  } catch {
    // The refusal stands without it; what is wrong with the keys is told where the configuration is asked for.
    return {};
  }
}

/**
 * The whole body; undefined if the client went away before its end.
 * @throws SealwireError `timeout`, `malformed`, `parser-before-sealwire`
 */
function readBody(req: IncomingMessage): Promise<Uint8Array | undefined> {
  if (req.readableDidRead) throw new SealwireError('parser-before-sealwire');
  // Not `for await`: leaving it early would destroy the socket, and nobody could be told why.
  return new Promise<Uint8Array | undefined>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const deadline = bodyDeadlines.add(() => settle(() => reject(new SealwireError('timeout'))));
    // The listeners stay: what still comes is thrown away, and an error of the connection is not thrown.
    const settle = (how: () => void) => {
      bodyDeadlines.remove(deadline);
      how();
      chunks.length = 0;
      length = Number.POSITIVE_INFINITY;
    };
    const gone = () => settle(() => resolve(undefined));
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxHandshakeLength) chunks.push(chunk);
      else settle(() => reject(new SealwireError('malformed', 'The handshake is too long.')));
    });
    req.on('end', () => settle(() => resolve(Buffer.concat(chunks))));
    // http2 says `end`, too, when a request is broken off, but this first.
    req.on('aborted', gone);
    req.on('close', gone);
    req.on('error', gone);
    if (req.destroyed) gone();
  });
}
