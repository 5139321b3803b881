// What a caller of fetch can see of a response, as plain data.

/** What can be seen of a response. */
export interface Observation {
  /** status, statusText, ok, type, redirected, and of the URL what stands behind the origin. */
  readonly head: [number, string, boolean, string, boolean, string];
  readonly fields: string[];
  readonly body: unknown;
  /** Name of the error that reading it ended with. */
  readonly bodyError: string | undefined;
  /** `bodyUsed` before and after, and the error of reading it again. */
  readonly used: unknown[];
  readonly hasBody: boolean;
  /** What the app saw of the request; null if it did not answer. */
  readonly seen: { method: string; url: string; fields: string[]; length: number; digest: string } | null;
}

/** How a caller reads the body, each by its name. */
export const readers: Record<string, (response: Response) => Promise<unknown>> = {
  text: (response) => response.text(),
  json: (response) => response.json(),
  arrayBuffer: async (response) => hex(await response.arrayBuffer()),
  blob: async (response) => {
    const blob = await response.blob();
    // Chromium leaves the parameters out.
    return [blob.type.split(';', 1)[0], await blob.text()];
  },
  formData: async (response) => [...(await response.formData())],
  stream: async ({ body }) => {
    if (body === null) return null;
    const reader = body.getReader();
    const chunks: BlobPart[] = [];
    for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
    return new Blob(chunks).text();
  },
  'a reader with a buffer of its own': async ({ body }) => {
    if (body === null) return null;
    const reader = body.getReader({ mode: 'byob' });
    const first = await reader.read(new Uint8Array(4));
    await reader.cancel();
    return [first.done, hex(first.value?.slice().buffer as ArrayBuffer)];
  },
  'text of a clone, and of itself': async (response) => {
    const clone = response.clone();
    const { url, status, type, redirected } = clone;
    return [new URL(url).pathname, status, type, redirected, await clone.text(), await response.text()];
  },
  'a clone, and itself given up after a part': async (response) => {
    const clone = response.clone();
    const reader = response.body?.getReader();
    const first = await reader?.read();
    await Promise.all([reader?.cancel(), clone.text()]);
    return [first?.done, clone.bodyUsed];
  },
  'a clone after it was read': async (response) => {
    await response.text();
    return response.clone();
  },
  'cancel, and then text': async (response) => {
    await response.body?.cancel();
    return response.text();
  },
};

function hex(buffer: ArrayBuffer): string {
  return [...new Uint8Array(buffer).subarray(0, 64)].join(' ');
}

/** Fields of the connection and of the server's clock. */
const leftOut = new Set(['connection', 'keep-alive', 'date', 'transfer-encoding', 'x-seen']);

/** Calls, reads, and tells what can be seen; of an error its kind. */
export async function observe(
  call: () => Promise<Response>,
  reader = 'text',
): Promise<Observation | { error: string | undefined }> {
  const [response, error] = await outcome(call);
  if (response === undefined) return { error };
  const before = response.bodyUsed;
  const [body, bodyError] = await outcome(() => (readers[reader] as (typeof readers)[string])(response));
  const [, again] = await outcome(() => response.text());
  const { status, statusText, ok, type, redirected, url, headers } = response;
  const seen = headers.get('x-seen');
  return {
    head: [status, statusText, ok, type, redirected, url.replace(/^http:\/\/[^/]+/, '')],
    fields: [...headers].filter(([name]) => !leftOut.has(name)).map((field) => field.join(': ')),
    body,
    bodyError,
    used: [before, response.bodyUsed, again],
    hasBody: response.body !== null,
    seen: seen === null ? null : JSON.parse(decodeURIComponent(seen)),
  };
}

async function outcome<T>(run: () => Promise<T>): Promise<[T | undefined, string | undefined]> {
  try {
    return [await run(), undefined];
  } catch (error) {
    return [undefined, error instanceof Error ? error.name : String(error)];
  }
}
