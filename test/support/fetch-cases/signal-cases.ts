import type { Call } from './call.ts';
import { observe } from './observe.ts';

const soon = 20;
const onPurpose = () => new RangeError('on purpose');

/** A controller that aborts after a moment. */
function abortingSoon(reason?: unknown): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), soon);
  return controller.signal;
}

/** Signals that abort at some time of a call, with a reason or without. */
export function signalCases(): Record<string, Call> {
  const waiting =
    (makeInit: () => RequestInit): Call =>
    (fetcher, origin) =>
      observe(() => fetcher(`${origin}/answer/nothing`, makeInit()));
  /** Aborts when the head is there, and the body is being read. */
  const reading =
    (reason?: unknown, reader?: string): Call =>
    (fetcher, origin) => {
      const controller = new AbortController();
      return observe(async () => {
        const { signal } = controller;
        const response = await fetcher(`${origin}/answer/a body that never ends`, { signal });
        setTimeout(() => controller.abort(reason), soon);
        return response;
      }, reader);
    };
  return {
    'aborted before': waiting(() => ({ signal: AbortSignal.abort() })),
    'aborted before, for a reason': waiting(() => ({ signal: AbortSignal.abort(onPurpose()) })),
    'aborted before, with a word as reason': waiting(() => ({ signal: AbortSignal.abort('a word') })),
    'aborted while it waits': waiting(() => ({ signal: abortingSoon() })),
    'aborted while it waits, for a reason': waiting(() => ({ signal: abortingSoon(onPurpose()) })),
    'timed out while it waits': waiting(() => ({ signal: AbortSignal.timeout(soon) })),
    'aborted while it waits for what a POST gives': waiting(() => ({
      method: 'POST',
      body: 'x',
      signal: abortingSoon(),
    })),
    'aborted while the body comes': reading(),
    'aborted while the body comes, for a reason': reading(onPurpose()),
    'aborted while a stream comes': reading(undefined, 'stream'),
    'timed out while the body comes': reading(new DOMException('late', 'TimeoutError')),
    'by one of several signals': waiting(() => ({
      signal: AbortSignal.any([new AbortController().signal, abortingSoon(onPurpose())]),
    })),
    'by the signal of a Request': (fetcher, origin) =>
      observe(() => fetcher(new Request(`${origin}/answer/nothing`, { signal: abortingSoon() }))),
    'by a signal instead of that of a Request': (fetcher, origin) => {
      const request = new Request(`${origin}/answer/nothing`, { signal: new AbortController().signal });
      return observe(() => fetcher(request, { signal: abortingSoon(onPurpose()) }));
    },
    'without the signal of a Request': (fetcher, origin) => {
      const request = new Request(`${origin}/answer/200`, { signal: AbortSignal.abort() });
      return observe(() => fetcher(request, { signal: null }));
    },
    'aborted after the body was read': async (fetcher, origin) => {
      const controller = new AbortController();
      const response = await fetcher(`${origin}/answer/200?after`, { signal: controller.signal });
      const text = await response.text();
      controller.abort();
      return [text, response.bodyUsed];
    },
    'aborted before, with a body that stays unread': async (fetcher, origin) => {
      let pulled = 0;
      const body = new ReadableStream({ pull: () => void pulled++ }, { highWaterMark: 0 });
      const init = { method: 'POST', body, duplex: 'half', signal: AbortSignal.abort() } as const;
      return [await observe(() => fetcher(`${origin}/answer/200`, init)), pulled];
    },
    'a signal that is none': waiting(() => ({ signal: {} as AbortSignal })),
  };
}
