import type { IncomingMessage } from 'node:http';
import { encodeFieldSection, type Field } from '@sealwire/core';
import { type Body, readShort } from '../body.ts';
import type { Plan } from '../plan.ts';
import { bodyStream, discard } from './body-stream.ts';
import { isOfConnection } from './hop-fields.ts';

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
  const named = (req.headers.connection ?? '').toLowerCase().split(/[\s,]+/);
  for (const [name, value] of Object.entries(req.headers)) {
    if (isOfConnection(name) || named.includes(name)) continue;
    for (const each of Array.isArray(value) ? value : [value as string]) headers.append(name, each);
  }
  return headers;
}

async function bodyOf(req: IncomingMessage): Promise<Body> {
  const { 'content-length': declared, 'transfer-encoding': coding } = req.headers;
  // RFC 9112, section 6.3: a request without either field has no body.
  if (declared === undefined && coding === undefined) return { kind: 'none', undeclared: true };
  const length = declared === undefined ? undefined : Number(declared);
  const trailers = () => {
    const fields = fieldsOf(req.rawTrailers);
    return fields.length > 0 ? encodeFieldSection(fields) : undefined;
  };
  const read = await readShort(bodyStream(req, discard));
  if (read instanceof ReadableStream) return { kind: 'stream', stream: read, length, trailers };
  if (trailers() === undefined) return { kind: 'bytes', bytes: read, undeclared: length === undefined };
  const stream = new Blob([read as Uint8Array<ArrayBuffer>]).stream();
  return { kind: 'stream', stream, length, trailers };
}

function fieldsOf(raw: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2)
    fields.push([(raw[i] as string).toLowerCase(), raw[i + 1] as string]);
  return fields;
}
