import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Application, Request, Response } from 'express';
import { answers } from './answers.ts';

/** Request fields that the server has to seal beyond the table. */
export const tableFields = ['x-app-*'];

/** What the calls are made to. Whatever is answered, the field `x-seen` tells what arrived. */
export function tableRoutes(app: Application): void {
  app.disable('etag');
  app.use(async (req, res, next) => {
    res.setHeader('x-seen', encodeURIComponent(JSON.stringify(seen(req, await buffer(req)))));
    next();
  });
  let open: Response | undefined;
  app.all('/answer/:name', (req, res) => {
    open = res;
    return (answers[req.params.name as string] as (typeof answers)[string])(res);
  });
  app.all('/cut', (_req, res) => {
    open?.destroy();
    res.end();
  });
  app.all('/moved/:status', (req, res) => res.redirect(Number(req.params.status), String(req.query.to)));
  app.all('/moved-nowhere/:status', (req, res) => res.status(Number(req.params.status)).send('nowhere'));
}

/** Fields of the connection, and the one that carries Sealwire. */
const leftOut = new Set(['host', 'connection', 'sealwire']);

/** What an app reads of a request. Boundaries of forms are chance, so they are made alike. */
function seen({ method, originalUrl, headers }: Request, body: Buffer): unknown {
  const boundary = /boundary=(\S+)/.exec(headers['content-type'] ?? '')?.[1] ?? '(none)';
  const alike = (text: string) => text.replaceAll(boundary, 'boundary');
  const fields = Object.entries(headers)
    .filter(([name]) => !leftOut.has(name))
    .map(([name, value]) => `${name}: ${alike(String(value))}`)
    .map((line) => line.replaceAll(String(headers.host), 'host'));
  const digest = createHash('sha256')
    .update(alike(body.toString('latin1')))
    .digest('hex');
  return { method, url: originalUrl, fields: fields.sort(), length: body.length, digest };
}
