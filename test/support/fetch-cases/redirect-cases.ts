import type { Call } from './call.ts';
import { observe } from './observe.ts';

/** What is sent to where it moved from. */
const calls: Record<string, () => RequestInit> = {
  GET: () => ({}),
  HEAD: () => ({ method: 'HEAD' }),
  POST: () => ({ method: 'POST', body: 'words' }),
  'PUT of a form': () => ({ method: 'PUT', body: new URLSearchParams({ a: 'b' }) }),
};

/** Where a redirect may lead. */
const targets = {
  'its query': '?there',
  'a fragment': '/answer/200#part',
  'no HTTP': 'data:,x',
  'no URL': 'http://[',
};

/** Every redirect, for every method and mode; what it may lead to; and one after the other without an end. */
export function redirectCases(): Record<string, Call> {
  const cases: Record<string, Call> = {};
  for (const status of [301, 302, 303, 307, 308]) {
    for (const [call, makeInit] of Object.entries(calls)) {
      for (const redirect of ['follow', 'manual', 'error'] as const) {
        if (redirect !== 'follow' && call !== 'GET') continue;
        const path = `/moved/${status}?to=/answer/200?${status}-${redirect}`;
        cases[`${call} answered with ${status}, ${redirect}`] = (fetcher, origin) =>
          observe(() => fetcher(origin + path, { ...makeInit(), redirect }));
      }
    }
    cases[`${status} to nowhere`] = (fetcher, origin) =>
      observe(() => fetcher(`${origin}/moved-nowhere/${status}`));
  }
  for (const [name, to] of Object.entries(targets)) {
    cases[`a redirect to ${name}`] = (fetcher, origin) =>
      observe(() => fetcher(`${origin}/moved/302?to=${encodeURIComponent(to)}`));
  }
  cases['a redirect keeps the fragment'] = (fetcher, origin) =>
    observe(() => fetcher(`${origin}/moved/302?to=/answer/200#part`));
  cases['a redirect to itself'] = (fetcher, origin) =>
    observe(() => fetcher(`${origin}/moved/307?to=${encodeURIComponent('?to=/moved/307')}`));
  return cases;
}
