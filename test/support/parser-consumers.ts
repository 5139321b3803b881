import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import busboy from 'busboy';
import formidable from 'formidable';
import multer2 from 'multer';
import rawBody3 from 'raw-body';
import type { MiddlewareConsumer, NodeConsumer } from './consumer.ts';
import { digestOf } from './digests.ts';

const require = createRequire(import.meta.url);
const multer1 = require('multer1') as typeof multer2;
const rawBody2 = require('raw-body2') as typeof rawBody3;

/** Where upload libraries keep files; every consumer removes what it has read. */
export const uploadFolder = mkdtempSync(join(tmpdir(), 'sealwire-'));
process.on('exit', () => rmSync(uploadFolder, { recursive: true }));

export const parserLimit = '2mb';

/** Bytes of a file that was written to the disk, which is then removed. */
export async function takeFile(path: string): Promise<Buffer> {
  const bytes = await readFile(path);
  await rm(path);
  return bytes;
}

/** What came in one part of a form that is a file. */
function fileDigest(field: string, name: unknown, type: unknown, bytes: Buffer) {
  return { field, name, type, ...digestOf(bytes) };
}

type FileDigest = ReturnType<typeof fileDigest>;

/** What multer leaves at the request, or at Koa's context. */
export async function multerDigest(
  body: unknown,
  files: readonly Express.Multer.File[] = [],
): Promise<{ fields: unknown; files: FileDigest[] }> {
  const digests = files.map(async ({ fieldname, originalname, mimetype, buffer: kept, path }) =>
    fileDigest(fieldname, originalname, mimetype, kept ?? (await takeFile(path))),
  );
  return { fields: { ...(body as object) }, files: await Promise.all(digests) };
}

/** What formidable says, by itself or within koa-body. */
export async function formidableDigest(
  fields: unknown,
  files: formidable.Files = {},
): Promise<{ fields: unknown; files: FileDigest[] }> {
  const all = Object.entries(files).flatMap(([field, list]) =>
    [list ?? []].flat().map((file) => ({ field, file })),
  );
  const digests = all.map(async ({ field, file }) =>
    fileDigest(field, file.originalFilename, file.mimetype, await takeFile(file.filepath)),
  );
  return { fields, files: await Promise.all(digests) };
}

function multerConsumer(name: string, middleware: MiddlewareConsumer['middleware']): MiddlewareConsumer {
  return {
    kind: 'express',
    name,
    body: 'multipart',
    leaves: 'bodies without a length over http2',
    middleware,
    taken: (req) => multerDigest(req.body, req.files as Express.Multer.File[] | undefined),
  };
}

async function readWithBusboy(req: IncomingMessage): Promise<unknown> {
  const fields: Record<string, string> = {};
  const files: Promise<FileDigest>[] = [];
  await new Promise<void>((resolve, reject) => {
    const parser = busboy({ headers: req.headers });
    parser.on('field', (name, value) => {
      fields[name] = value;
    });
    parser.on('file', (field, stream, { filename, mimeType }) => {
      const file = buffer(stream).then((bytes) => fileDigest(field, filename, mimeType, bytes));
      file.catch(reject);
      files.push(file);
    });
    parser.on('close', resolve).on('error', reject);
    req.on('error', (error) => parser.destroy(error));
    req.pipe(parser);
  });
  return { fields, files: await Promise.all(files) };
}

/** Libraries that take Node's request, with Express or without. */
export const parserConsumers: readonly (NodeConsumer | MiddlewareConsumer)[] = [
  {
    kind: 'express',
    name: 'express.json',
    body: 'json',
    leaves: 'bodies without a length over http2',
    middleware: (express) => express.json({ limit: parserLimit }),
    taken: (req) => digestOf(req.body),
  },
  {
    kind: 'express',
    name: 'express.urlencoded',
    body: 'form',
    leaves: 'bodies without a length over http2',
    middleware: (express) => express.urlencoded({ limit: parserLimit, extended: true }),
    taken: (req) => digestOf(req.body),
  },
  {
    kind: 'express',
    name: 'express.raw',
    body: 'bytes',
    leaves: 'bodies without a length over http2',
    middleware: (express) => express.raw({ limit: parserLimit }),
    taken: (req) => digestOf(req.body),
  },
  {
    kind: 'express',
    name: 'express.text',
    body: 'text',
    leaves: 'bodies without a length over http2',
    middleware: (express) => express.text({ limit: parserLimit }),
    taken: (req) => digestOf(req.body),
  },
  multerConsumer('multer 1 in memory', () => multer1().any()),
  multerConsumer('multer 1 on disk', () => multer1({ dest: uploadFolder }).any()),
  multerConsumer('multer 2 in memory', () => multer2().any()),
  multerConsumer('multer 2 on disk', () => multer2({ dest: uploadFolder }).any()),
  { kind: 'any', name: 'busboy', body: 'multipart', read: readWithBusboy },
  {
    kind: 'any',
    name: 'formidable 3',
    body: 'multipart',
    leaves: 'bodies without a length over http2',
    async read(req) {
      const [fields, files] = await formidable({ uploadDir: uploadFolder }).parse(req);
      return formidableDigest(fields, files);
    },
  },
  {
    kind: 'any',
    name: 'raw-body 2',
    body: 'bytes',
    read: async (req) =>
      digestOf(await rawBody2(req, { length: req.headers['content-length'] ?? null, limit: parserLimit })),
  },
  {
    kind: 'any',
    name: 'raw-body 3',
    body: 'text',
    read: async (req) =>
      digestOf(
        await rawBody3(req, {
          length: req.headers['content-length'] ?? null,
          limit: parserLimit,
          encoding: 'utf-8',
        }),
      ),
  },
];
