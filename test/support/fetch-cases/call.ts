import { observe } from './observe.ts';

/** A call and what its caller sees of it, as plain data; the same over any fetch. */
export type Call = (fetcher: typeof fetch, origin: string) => Promise<unknown>;

/** The options of a call, made anew for each, since a body can be sent once. */
export type MakeInit = (origin: string) => RequestInit & { duplex?: 'half' };

/** A URL of its own for each case, so that no cache knows it. */
export function urlOf(origin: string, path: string, name: string): string {
  return `${origin}${path}?${encodeURIComponent(name)}`;
}

/** A case that calls once, with options. */
export function calling(path: string, makeInit: MakeInit, reader?: string): (name: string) => Call {
  return (name) => (fetcher, origin) =>
    observe(() => fetcher(urlOf(origin, path, name), makeInit(origin)), reader);
}

/** Gives each case its name. */
export function named(cases: Record<string, (name: string) => Call>): Record<string, Call> {
  return Object.fromEntries(Object.entries(cases).map(([name, make]) => [name, make(name)]));
}
