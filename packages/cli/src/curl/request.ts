import { basename } from 'node:path';
import { Failure, usage } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { version } from '../version.ts';
import { type Body, bytesBody, fileBody, readFile } from './body.ts';
import { dataOf } from './data.ts';
import { formOf } from './form.ts';

export type Header = readonly [name: string, value: string];

/** One request, before cookies. */
export interface Wanted {
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly Header[];
  readonly body: Body | undefined;
}

/** What the flags ask for. @throws Failure */
export function wantedOf(flags: Flags): Wanted {
  const url = urlOf(flags.positionals);
  const body = bodyOf(flags, url);
  if (flags.has('get')) addQuery(url, dataOf(flags));
  const headers = headersOf(flags, url, body);
  url.username = '';
  url.password = '';
  url.hash = '';
  return { url, method: flags.last('request') ?? defaultMethod(flags, body), headers, body };
}

function urlOf([given, ...others]: readonly string[]): URL {
  if (given === undefined || others.length > 0) throw usage('Give one URL.');
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new Failure(3, 'url', `${given} is no http or https URL.`);
  return url;
}

/** A part of a URL without its escapes. @throws Failure if they are none */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Failure(3, 'url', `${part} has an escape that stands for no character.`);
  }
}

function bodyOf(flags: Flags, url: URL): Body | undefined {
  const form = formOf(flags);
  const data = flags.has('get') ? undefined : dataOf(flags);
  const file = flags.last('upload-file');
  if ([form, data, file].filter((each) => each !== undefined).length > 1)
    throw usage('Data, a form and a file to upload exclude each other.');
  if (file !== undefined) {
    if (url.pathname.endsWith('/') && file !== '-') url.pathname += encodeURIComponent(basename(file));
    return fileBody(file);
  }
  if (data === undefined) return form;
  return bytesBody(data, flags.has('json') ? 'application/json' : 'application/x-www-form-urlencoded');
}

function addQuery(url: URL, data: Buffer | undefined): void {
  if (data === undefined) return;
  url.search += `${url.search === '' ? '?' : '&'}${data}`;
}

function defaultMethod(flags: Flags, body: Body | undefined): string {
  if (flags.has('head')) return 'HEAD';
  if (flags.has('upload-file')) return 'PUT';
  return body === undefined ? 'GET' : 'POST';
}

/** Those of curl by default, each unless a header of the caller's stands for it. */
function headersOf(flags: Flags, { username, password }: URL, body: Body | undefined): Header[] {
  const user = flags.last('user') ?? (username && `${decoded(username)}:${decoded(password)}`);
  const defaults: [name: string, value: string | undefined][] = [
    ['User-Agent', flags.last('user-agent') ?? `sealwire/${version()}`],
    ['Accept', flags.has('json') ? 'application/json' : '*/*'],
    ['Accept-Encoding', flags.has('compressed') ? 'deflate, gzip, br' : undefined],
    ['Authorization', user ? `Basic ${Buffer.from(user).toString('base64')}` : undefined],
    ['Referer', flags.last('referer')],
    ['Content-Type', body?.type],
  ];
  const own = flags.each('header').flatMap(linesOf).map(headerOf);
  const named = new Set(own.map(([name]) => name.toLowerCase()));
  return [
    ...defaults.filter(
      (header): header is [string, string] => Boolean(header[1]) && !named.has(header[0].toLowerCase()),
    ),
    ...own.filter((header): header is [string, string] => header[1] !== undefined),
  ];
}

function linesOf(value: string): string[] {
  if (!value.startsWith('@')) return [value];
  return readFile(value.slice(1))
    .toString('latin1')
    .split(/\r?\n/)
    .filter((line) => line !== '');
}

/** @returns undefined for a value that is to be left out */
function headerOf(line: string): [name: string, value: string | undefined] {
  const [, name, mark, rest = ''] = line.match(/^([^:;\s]+)\s*([:;])(.*)$/s) ?? [];
  const value = rest.trim();
  if (name === undefined || (mark === ';' && value !== ''))
    throw usage(`A header is "Name: value", "Name:" or "Name;", not ${JSON.stringify(line)}.`);
  if (name.toLowerCase() === 'host')
    throw usage('The host is sealed; it is that of the URL. See --connect-to.');
  return [name, mark === ';' ? '' : value || undefined];
}
