import { existsSync, readFileSync, watchFile } from 'node:fs';
import { isThumbprint, SealwireError } from '@sealwire/core';
import type { KnownClient } from './clients.ts';

/**
 * A file with the clients that a server takes: a line for each, `<thumbprint> <name>`, where `#` begins a comment; or
 * JSON, a list of thumbprints or an object with the identity of each, null or false for one that is refused. Of a line
 * the identity is `{ name }`.
 */
export interface ClientFile {
  /** Its path. It is read again when it changes; who is not in it any more loses his sessions. */
  readonly file: string;
}

type ClientList = ReadonlyMap<string, KnownClient>;

/** How often it is looked at, in milliseconds. Watching would miss a file behind a link that was turned (Kubernetes). */
const interval = 1000;

/**
 * Reads the file, and calls the listener with what is in it whenever it has changed. One that cannot be read then
 * changes nothing, and is reported on the console.
 * @throws SealwireError `invalid-option` if it cannot be read now
 */
export function watchClientFile({ file }: ClientFile, changed: (list: ClientList) => void): ClientList {
  let text = readText(file);
  const list = parseClients(text, file);
  const look = () => {
    try {
      const now = readText(file);
      if (now === text) return;
      text = now;
      changed(parseClients(text, file));
    } catch (error) {
      console.warn(`[sealwire] ${(error as Error).message} The clients that were allowed before still are.`);
    }
  };
  watchFile(file, { interval, persistent: false }, look);
  // It does not see what changes until it has looked for the first time, which it does in the background.
  setTimeout(() => existsSync(file) && look(), interval).unref();
  return list;
}

function readText(file: string): string {
  try {
    // Without the mark that some editors begin a file with.
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new SealwireError('invalid-option', `The file of \`allowClients\`, ${file}, cannot be read.`, {
      cause,
    });
  }
}

/** @param file what errors name */
function parseClients(text: string, file: string): ClientList {
  const invalid = (what: string) =>
    new SealwireError('invalid-option', `The file of \`allowClients\`, ${file}, ${what}.`);
  const list = new Map<string, KnownClient>();
  const add = (thumbprint: unknown, identity: unknown, where: string) => {
    // Not what stands there: it could be anything, a secret that ended up in the wrong file.
    if (!isThumbprint(thumbprint)) throw invalid(`has no thumbprint ${where}; one has 43 characters`);
    // What means a refusal where a function answers it, means one here.
    if (identity !== null && identity !== false) list.set(thumbprint, { identity });
  };
  if (/^\s*[[{]/.test(text)) {
    const json = parseJson(text);
    if (json === undefined) throw invalid('is no JSON');
    const identities = Array.isArray(json) ? json.map((each) => [each, undefined]) : Object.entries(json);
    for (const [index, [each, identity]] of identities.entries()) add(each, identity, `at index ${index}`);
    return list;
  }
  for (const [index, line] of text.split('\n').entries()) {
    const [thumbprint, ...name] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (thumbprint === undefined || thumbprint === '') continue;
    add(thumbprint, name.length > 0 ? { name: name.join(' ') } : undefined, `in line ${index + 1}`);
  }
  return list;
}

function parseJson(text: string): object | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
