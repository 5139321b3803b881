import type { IncomingMessage } from 'node:http';
import type { Field } from '@sealwire/core';
import { type Body, noBody, readShort } from '../body.ts';
import type { Plan } from '../plan.ts';
import { bodyStream } from './body-stream.ts';

/** The plan of a request that arrived in plaintext, to be sent as it is. */
export async function planOf(req: IncomingMessage, url: URL, signal: AbortSignal): Promise<Plan> {
  return {
    url,
    method: req.method as string,
    headers: headersOf(req),
    defaults: [],
    body: await bodyOf(req),
    redirect: 'manual',
    signal,
    integrity: '',
    platform: {},
    onUploadProgress: undefined,
    onDownloadProgress: undefined,
  };
}

function headersOf(req: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    for (const each of Array.isArray(value) ? value : [value as string]) headers.append(name, each);
  }
  return headers;
}

/** RFC 9112, section 6.3: a request without either field has no body. */
async function bodyOf(req: IncomingMessage): Promise<Body> {
  const { 'content-length': declared, 'transfer-encoding': coding } = req.headers;
  const empty = declared === undefined ? coding === undefined : declared === '0';
  if (empty && (declared === undefined || req.method === 'GET' || req.method === 'HEAD')) return noBody;
  const length = declared === undefined ? undefined : Number(declared);
  const read = await readShort(bodyStream(req, 'drop'));
  const trailers = () => fieldsOf(req.rawTrailers);
  if (read instanceof ReadableStream)
    return { kind: 'stream', stream: read, type: undefined, length, trailers };
  if (trailers().length > 0)
    return {
      kind: 'stream',
      stream: new Blob([read as Uint8Array<ArrayBuffer>]).stream(),
      type: undefined,
      length,
      trailers,
    };
  return { kind: 'bytes', bytes: read, type: undefined, undeclared: length === undefined };
}

function fieldsOf(raw: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2)
    fields.push([(raw[i] as string).toLowerCase(), raw[i + 1] as string]);
  return fields;
}
