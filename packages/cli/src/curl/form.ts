import { randomBytes } from 'node:crypto';
import { basename, extname } from 'node:path';
import { usage } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { type Body, bytesBody, readFile } from './body.ts';

/** What curl says of a file by its name. */
const types: Record<string, string> = {
  '.gif': 'image/gif',
  '.htm': 'text/html',
  '.html': 'text/html',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.xml': 'application/xml',
};

interface Part {
  readonly name: string;
  readonly bytes: Buffer;
  readonly filename?: string | undefined;
  readonly type?: string | undefined;
}

/** The form that the flags describe (RFC 7578); undefined if they describe none. @throws Failure */
export function formOf({ all }: Flags): Body | undefined {
  const parts = all.flatMap(({ name, value }) => {
    if (name === 'form') return [partOf(value)];
    return name === 'form-string' ? [textPart(value)] : [];
  });
  if (parts.length === 0) return undefined;
  const boundary = `------------------------${randomBytes(12).toString('hex')}`;
  const pieces = parts.flatMap((part) => [
    Buffer.from(headOf(part, boundary)),
    part.bytes,
    Buffer.from('\r\n'),
  ]);
  const bytes = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
  return bytesBody(bytes, `multipart/form-data; boundary=${boundary}`);
}

function headOf({ name, filename, type }: Part, boundary: string): string {
  const file = filename === undefined ? '' : `; filename="${quoted(filename)}"`;
  const typed = type === undefined ? '' : `Content-Type: ${type}\r\n`;
  return `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"${file}\r\n${typed}\r\n`;
}

/** HTML standard, "multipart/form-data encoding algorithm". */
function quoted(text: string): string {
  return text.replace(/["\r\n]/g, (each) => ({ '"': '%22', '\r': '%0D', '\n': '%0A' })[each] as string);
}

function textPart(value: string): Part {
  const [name, content] = splitName(value);
  return { name, bytes: Buffer.from(content) };
}

function partOf(value: string): Part {
  const [name, rest] = splitName(value);
  const [, content = '', parameters = ''] = rest.match(/^(.*?)((?:;(?:type|filename)=[^;]*)*)$/s) ?? [];
  const type = parameters.match(/;type=([^;]*)/)?.[1];
  const filename = parameters.match(/;filename=([^;]*)/)?.[1]?.replace(/^"(.*)"$/, '$1');
  if (content.startsWith('<')) return { name, bytes: readFile(content.slice(1)), type, filename };
  if (!content.startsWith('@')) return { name, bytes: Buffer.from(content), type, filename };
  const file = content.slice(1);
  return {
    name,
    bytes: readFile(file),
    filename: filename ?? basename(file),
    type: type ?? types[extname(file).toLowerCase()] ?? 'application/octet-stream',
  };
}

function splitName(value: string): [name: string, rest: string] {
  const at = value.indexOf('=');
  if (at < 0) throw usage(`A part of a form is NAME=TEXT, not ${value}.`);
  return [value.slice(0, at), value.slice(at + 1)];
}
