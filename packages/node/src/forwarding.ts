import { isSoundTarget, SealwireError, targetDifference, withoutPrefix } from '@sealwire/core';

/** What the proxies in front do to the target of a request before they pass it on. */
export interface Forwarding {
  /** Empty: nothing is stripped. */
  readonly stripPrefix: string;
  /** Empty: nothing is added. */
  readonly addPrefix: string;
  readonly ignoreQuery: boolean;
}

/** @throws SealwireError `invalid-option` */
export function resolveForwarding(options: Partial<Forwarding>): Forwarding {
  const { stripPrefix, addPrefix, ignoreQuery = false } = options;
  if (typeof ignoreQuery !== 'boolean') {
    throw new SealwireError('invalid-option', '`ignoreQuery` is true or false.');
  }
  return {
    stripPrefix: resolvePrefix('stripPrefix', stripPrefix),
    addPrefix: resolvePrefix('addPrefix', addPrefix),
    ignoreQuery,
  };
}

function resolvePrefix(name: string, prefix: unknown): string {
  if (prefix === undefined) return '';
  const sound =
    typeof prefix === 'string' &&
    !/\?|\/\/|\/$/.test(prefix) &&
    isSoundTarget({ method: 'GET', path: prefix });
  if (!sound) {
    throw new SealwireError(
      'invalid-option',
      `\`${name}\` is ${JSON.stringify(prefix)}; a prefix looks like "/api": a slash in front, none at the end.`,
    );
  }
  return prefix as string;
}

/**
 * What a sealed path with query becomes on its way through the proxies, which is what an application behind them has
 * its routes for; undefined if it does not begin with what they strip.
 */
export function forwardedPath(path: string, { stripPrefix, addPrefix }: Forwarding): string | undefined {
  const stripped = stripPrefix === '' ? path : withoutPrefix(path, stripPrefix);
  return stripped === undefined ? undefined : addPrefix + stripped;
}

/** The path of Sealwire's own endpoints in an outer target: proxies may add their prefix to every path. */
export function endpointPath(outerUrl: string, { addPrefix }: Forwarding): string {
  const [path = ''] = outerUrl.split('?', 1);
  return (addPrefix === '' ? undefined : withoutPrefix(path, addPrefix)) ?? path;
}

/** A guess at what a proxy did to a path, and the remedy; empty if nothing that proxies are known to do explains it. */
export function explainPath(expected: string, received: string): string {
  const [sealed, outer] = [expected, received].map((url) => url.split('?', 1)[0]) as [string, string];
  if (sealed.endsWith(outer)) {
    return ` If a proxy strips \`${sealed.slice(0, -outer.length)}\`, tell with the option \`stripPrefix\`.`;
  }
  if (outer.endsWith(sealed)) {
    return ` If a proxy adds \`${outer.slice(0, -sealed.length)}\`, tell with the option \`addPrefix\`.`;
  }
  if (same(mergeSlashes(sealed), outer)) {
    return ' If a proxy merges slashes, make it pass the path on as it came (nginx: `proxy_pass` without a path).';
  }
  if (same(mergeSlashes(decodeEscapes(sealed)), mergeSlashes(decodeEscapes(outer)))) {
    return ' If a proxy decodes escapes, make it pass the path on as it came (nginx: `proxy_pass` without a path).';
  }
  return '';
}

function same(path: string, url: string): boolean {
  return targetDifference({ method: 'GET', path }, { method: 'GET', url }) === undefined;
}

function mergeSlashes(path: string): string {
  return path.replace(/\/{2,}/g, '/');
}

/** Byte for character: it is only compared. */
function decodeEscapes(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
