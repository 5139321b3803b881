import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { Application, Request } from 'express';
import multer from 'multer';
import type { Express } from '../cases.ts';

/** Fields that a library or its caller sets, whatever the platform adds. */
const told = ['accept', 'authorization', 'content-type'];

/** What a client library meets: bodies, errors, faults that pass, redirects, silence, streams. */
export function restRoutes(app: Application, express: Express): void {
  app.all('/echo', express.json({ limit: '5mb' }), express.urlencoded(), (req, res) => {
    const headers = Object.fromEntries(told.map((name) => [name, req.headers[name]]));
    res.json({ method: req.method, query: req.query, headers, body: req.body });
  });
  app.get('/status/:code', (req, res) => {
    const status = Number(req.params.code);
    res.status(status).json(status < 400 ? { status } : { error: `it is ${status}` });
  });
  app.all('/empty', (_req, res) => res.status(204).end());
  app.all('/redirect/:status', (req, res) => res.redirect(Number(req.params.status), '/echo?from=redirect'));
  app.post('/upload', multer().any(), (req, res) => res.json({ fields: req.body, files: filesOf(req) }));
  flakyRoutes(app, express);
  silentRoutes(app);
  partsRoutes(app);
}

function filesOf(req: Request): unknown[] {
  return (req.files as Express.Multer.File[]).map(({ fieldname, originalname, mimetype, size, buffer }) => {
    return { fieldname, originalname, mimetype, size, sha256: sha256(buffer) };
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Fails so many times before it works; tells how often it was called and in how many exchanges. */
function flakyRoutes(app: Application, express: Express): void {
  const calls: { exchange: string; body: unknown }[] = [];
  app.all('/flaky', express.json(), (req, res) => {
    const { sealed } = req;
    calls.push({ exchange: sealed ? `${sealed.sid} ${sealed.n}` : `plain ${calls.length}`, body: req.body });
    if (calls.length <= Number(req.query.failures)) return res.status(503).json({ error: 'not now' });
    return res.json(summary());
  });
  app.get('/flaky/calls', (_req, res) => res.json(summary()));
  function summary() {
    const exchanges = new Set(calls.map(({ exchange }) => exchange)).size;
    return { calls: calls.length, exchanges, bodies: calls.map(({ body }) => body ?? null) };
  }
}

/** Never answers, and tells who waits how the wait of the one before ended. */
function silentRoutes(app: Application): void {
  const happened = new EventEmitter();
  let arrived: Promise<unknown> = once(happened, 'arrived');
  let gone: Promise<unknown> = once(happened, 'gone');
  app.all('/silent', (_req, res) => {
    res.on('close', () => happened.emit('gone'));
    happened.emit('arrived');
  });
  app.get('/silent/arrived', async (_req, res) => {
    await arrived;
    arrived = once(happened, 'arrived');
    res.json('arrived');
  });
  app.get('/silent/gone', async (_req, res) => {
    await gone;
    gone = once(happened, 'gone');
    res.json('gone');
  });
}

/** Writes a part only when the one before has been read: whoever holds parts back waits for ever. */
function partsRoutes(app: Application): void {
  const read = new EventEmitter();
  app.get('/parts', async (req, res) => {
    res.type('text/plain');
    for (let part = 1; part <= Number(req.query.count); part++) {
      const wasRead = once(read, 'read');
      res.write(`part ${part};`);
      await wasRead;
    }
    res.end();
  });
  app.post('/parts/read', (_req, res) => {
    read.emit('read');
    res.json('read');
  });
}
