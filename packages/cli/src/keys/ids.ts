import type { KeyEntry } from '@sealwire/keys';
import { usage } from '../failure.ts';

/** Characters that are enough to tell a few keys apart at a glance. */
const shortest = 8;

/** How many characters of their ids tell these keys apart. */
export function prefixLength(entries: readonly KeyEntry[]): number {
  let length = shortest;
  const prefixes = () => new Set(entries.map(({ id }) => id.slice(0, length)));
  while (prefixes().size < entries.length) length++;
  return length;
}

/** The key whose id begins so. @throws Failure if there is none, or more than one */
export function findKey(entries: readonly KeyEntry[], prefix: string): KeyEntry {
  const found = entries.filter(({ id }) => id.startsWith(prefix));
  const [entry, ...others] = found;
  if (prefix === '' || entry === undefined)
    throw usage(`There is no key whose id begins with ${JSON.stringify(prefix)}. See "sealwire keys list".`);
  if (others.length > 0)
    throw usage(`${found.length} ids begin with ${prefix}: ${found.map(({ id }) => id).join(', ')}.`);
  return entry;
}

/** The one ID that a command takes. @throws Failure */
export function idOf([given, ...others]: readonly string[]): string {
  if (given === undefined || others.length > 0)
    throw usage('Give one ID, or its beginning; one that begins with a dash behind "--".');
  return given;
}
