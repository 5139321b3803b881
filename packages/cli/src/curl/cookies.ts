import { readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { fileFailure } from '../failure.ts';
import type { Flags } from '../flags.ts';

interface Cookie {
  /** The host that set it. */
  readonly domain: string;
  /** True if it is for the hosts below that one, too. */
  readonly subdomains: boolean;
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly secure: boolean;
  /** Seconds since 1970; 0: until the end of the session. */
  readonly expires: number;
}

/** Cookies, kept in the file format of Netscape's browser. */
export class Cookies {
  readonly #kept = new Map<string, Cookie>();
  /** What the caller said himself. */
  readonly #said: string | undefined;
  readonly #jar: string | undefined;

  /** @throws Failure if a file of cookies cannot be read */
  constructor(flags: Flags) {
    const said = flags.last('cookie');
    this.#said = said?.includes('=') ? said : undefined;
    this.#jar = flags.last('cookie-jar');
    if (said !== undefined && this.#said === undefined) this.#read(said);
  }

  /** What to send to a URL; undefined if nothing. */
  header({ hostname, pathname, protocol }: URL): string | undefined {
    const now = Date.now() / 1000;
    const fitting = [...this.#kept.values()].filter(
      ({ domain, subdomains, path, secure, expires }) =>
        (hostname === domain || (subdomains && isSubdomain(hostname, domain))) &&
        isBelow(pathname, path) &&
        (!secure || protocol === 'https:') &&
        (expires === 0 || expires > now),
    );
    const pairs = fitting.map(({ name, value }) => `${name}=${value}`);
    return [...pairs, ...(this.#said === undefined ? [] : [this.#said])].join('; ') || undefined;
  }

  /** Takes what a server set. */
  take(setCookies: readonly string[], { hostname, pathname }: URL): void {
    for (const line of setCookies) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const at = pair.indexOf('=');
      if (at <= 0) continue;
      const attribute = (name: string) =>
        attributes.find((each) => each.toLowerCase().split('=', 1)[0] === name)?.replace(/^[^=]*=?/, '');
      const age = attribute('max-age');
      const until =
        age === undefined ? Date.parse(attribute('expires') ?? '') / 1000 : Date.now() / 1000 + Number(age);
      this.#keep({
        domain: hostname,
        subdomains: false,
        name: pair.slice(0, at),
        value: pair.slice(at + 1),
        path: attribute('path') || pathname.replace(/\/[^/]*$/, '') || '/',
        secure: attribute('secure') !== undefined,
        expires: Number.isFinite(until) ? Math.max(1, Math.round(until)) : 0,
      });
    }
  }

  /** @throws Failure if the file cannot be written */
  save(): void {
    if (this.#jar === undefined) return;
    const lines = [...this.#kept.values()].map(({ domain, subdomains, path, secure, expires, name, value }) =>
      [domain, bool(subdomains), path, bool(secure), expires, name, value].join('\t'),
    );
    const text = `${['# Netscape HTTP Cookie File', ...lines].join('\n')}\n`;
    try {
      if (this.#jar === '-') process.stdout.write(text);
      else writeFileSync(this.#jar, text, { mode: 0o600 });
    } catch (error) {
      throw fileFailure(23, error);
    }
  }

  #keep(cookie: Cookie): void {
    this.#kept.set(`${cookie.domain}\t${cookie.path}\t${cookie.name}`, cookie);
  }

  #read(file: string): void {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      // Not there yet: `-b jar -c jar` begins so.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw fileFailure(26, error);
    }
    for (const line of text.split('\n')) {
      const [domain = '', subdomains, path = '', secure, expires, name, value] = line
        .replace(/^#HttpOnly_/, '')
        .split('\t');
      if (line.startsWith('# ') || name === undefined || value === undefined) continue;
      this.#keep({
        domain: domain.replace(/^\./, '').toLowerCase(),
        subdomains: subdomains === 'TRUE',
        name,
        value: value.trimEnd(),
        path,
        secure: secure === 'TRUE',
        expires: Number(expires),
      });
    }
  }
}

function bool(value: boolean): string {
  return value ? 'TRUE' : 'FALSE';
}

/** RFC 6265, section 5.1.3. */
function isSubdomain(hostname: string, domain: string): boolean {
  return hostname.endsWith(`.${domain}`) && isIP(hostname) === 0;
}

/** RFC 6265, section 5.1.4. */
function isBelow(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}
