import { type Call, calling, named, urlOf } from './call.ts';
import { observe } from './observe.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'post'];

const bytes = Uint8Array.from({ length: 300 }, (_, index) => index);

/** Bodies, made anew for each call. */
const bodies: Record<string, () => RequestInit['body']> = {
  'no body': () => undefined,
  null: () => null,
  'an empty string': () => '',
  'a string': () => 'words, and an ü',
  URLSearchParams: () => new URLSearchParams({ a: 'b c', d: 'ü' }),
  'a form with a file': () => formWithFile(),
  'a Blob with a type': () => new Blob(['{"a":1}'], { type: 'application/json' }),
  'a Blob without a type': () => new Blob([bytes]),
  'an empty Blob': () => new Blob([]),
  'an ArrayBuffer': () => bytes.slice().buffer,
  'a slice of an array': () => bytes.subarray(10, 20),
  'a stream': () => new Blob(['a stream']).stream(),
};

/** Further ones, for one method. */
const oddBodies: Record<string, () => unknown> = {
  'a DataView': () => new DataView(bytes.buffer, 5, 7),
  'words of 16 bits': () => Uint16Array.of(1, 2, 65_535),
  'an empty array': () => new Uint8Array(),
  'a number': () => 5,
  'an object': () => ({ a: 1 }),
  'a truth value': () => false,
  'a URL': () => new URL('http://example.test/ü?a=b'),
  'an empty form': () => new FormData(),
  'a form with an empty file and odd names': () => {
    const form = new FormData();
    form.append('größe "\r\n', '');
    form.append('größe "\r\n', new File([], '空\n.txt'));
    form.append('', new Blob(['x']));
    return form;
  },
  'a string with a lone surrogate': () => '\ud800',
  'a stream of nothing': () => new Blob([]).stream(),
  'a stream that was used': () => {
    const stream = new Blob(['x']).stream();
    stream.getReader();
    return stream;
  },
  'a stream of strings': () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue('x');
        controller.close();
      },
    }),
  'a stream that fails': () =>
    new ReadableStream({
      start(controller) {
        controller.error(new RangeError('on purpose'));
      },
    }),
  'a megabyte': () => new Uint8Array(1_000_000).fill(7),
};

function formWithFile(): FormData {
  const form = new FormData();
  form.append('a', 'words\nin lines');
  form.append('file', new Blob([bytes], { type: 'image/png' }), 'a "b" ü.png');
  return form;
}

function initOf(method: string, body: unknown): RequestInit & { duplex?: 'half' } {
  const init = { method, body: body as BodyInit };
  return body instanceof ReadableStream ? { ...init, duplex: 'half' } : init;
}

/** Bodies that a Request was made of. */
const requests: Record<string, (url: string) => [Request, RequestInit?]> = {
  'a Request with a body': (url) => [new Request(url, { method: 'POST', body: 'of the Request' })],
  'a Request with a form': (url) => [new Request(url, { method: 'PUT', body: formWithFile() })],
  'a Request with a method alone': (url) => [new Request(url, { method: 'DELETE' })],
  'a Request and another body': (url) => [
    new Request(url, { method: 'POST', body: 'of the Request' }),
    { body: new URLSearchParams({ of: 'the call' }) },
  ],
  'a Request and other fields': (url) => [
    new Request(url, { method: 'POST', body: 'x', headers: { 'x-app-a': '1' } }),
    { headers: { 'x-app-b': '2' } },
  ],
  'a Request and another method': (url) => [
    new Request(url, { method: 'POST', body: 'x' }),
    { method: 'PATCH' },
  ],
  'a Request with a body and GET': (url) => [
    new Request(url, { method: 'POST', body: 'x' }),
    { method: 'GET' },
  ],
  'a clone of a Request': (url) => [new Request(url, { method: 'POST', body: 'cloned' }).clone()],
};

/** Every method with every body, and bodies that few send. */
export function bodyCases(): Record<string, Call> {
  const cases: Record<string, (name: string) => Call> = {};
  for (const method of methods) {
    for (const [body, make] of Object.entries(bodies)) {
      cases[`${method} with ${body}`] = calling('/answer/json', () => initOf(method, make()));
    }
  }
  for (const [body, make] of Object.entries(oddBodies)) {
    cases[`POST with ${body}`] = calling('/answer/200', () => initOf('POST', make()));
  }
  cases['POST with a stream and no duplex'] = calling('/answer/200', () => ({
    method: 'POST',
    body: new Blob(['x']).stream(),
  }));
  for (const [request, make] of Object.entries(requests)) {
    cases[request] = (name) => (fetcher, origin) =>
      observe(() => fetcher(...make(urlOf(origin, '/answer/200', name))));
  }
  cases['a Request tells that its body was used'] = (name) => async (fetcher, origin) => {
    const request = new Request(urlOf(origin, '/answer/200', name), { method: 'POST', body: 'once' });
    const first = await observe(() => fetcher(request));
    return [first, request.bodyUsed, await observe(() => fetcher(request))];
  };
  return named(cases);
}
