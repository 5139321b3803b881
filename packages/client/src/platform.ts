// What the platform is, and what its fetch can send.

/** True in a page or a worker of a browser. */
export function isBrowser(): boolean {
  // Every one of them, and no other platform, calls itself that.
  return /^Mozilla\//.test(globalThis.navigator?.userAgent);
}

/**
 * True if the platform's fetch takes a stream as a body. Some browsers refuse it, or make the string
 * "[object ReadableStream]" of it.
 * @param to a URL that has answered: true if a stream can be sent to its origin. Browsers send none over HTTP/1.1; of
 * another origin without `Timing-Allow-Origin` they do not tell
 */
export function sendsStreams(to?: string): boolean {
  if (!isBrowser()) return true;
  if (to !== undefined) {
    const entry = performance.getEntriesByName(to).at(-1) as PerformanceResourceTiming | undefined;
    if (!/^h[23]$/.test(entry?.nextHopProtocol as string)) return false;
  }
  let asked = false;
  try {
    const request = new Request('https://a', {
      method: 'POST',
      body: new ReadableStream(),
      get duplex() {
        asked = true;
        return 'half';
      },
    } as RequestInit);
    return asked && !request.headers.has('content-type');
  } catch {
    return false;
  }
}
