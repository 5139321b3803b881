// Uploads of a page in a real browser: streams, progress, aborts, over HTTP/1.1 and HTTP/2.
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inChromium } from './support/playwright.ts';
import { openUploadPage, type Protocol } from './support/upload-page.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What `/upload` says of so many zeros; with their length where it was told. */
function zeros(size: number, { told = true } = {}) {
  return { size, sha256: sha256(Buffer.alloc(size)), ...(told && { length: size }) };
}

/** In the page: a stream that the test goes on with by `more(bytes)` and `end()`. */
const openStream = `new ReadableStream({
  start(controller) {
    globalThis.more = (bytes) => controller.enqueue(new Uint8Array(bytes));
    globalThis.end = () => controller.close();
  },
  cancel(reason) {
    globalThis.cancelled = reason.name;
  },
})`;

/** In the page: starts an upload, whose outcome is \`outcome\`. */
function starting(body: string, path = '/upload') {
  return `(() => {
    globalThis.controller = new AbortController();
    const init = { method: 'POST', duplex: 'half', body: ${body}, signal: controller.signal };
    globalThis.outcome = sealedFetch('${path}', init)
      .then((response) => response.json(), ({ code, name }) => (typeof code === 'string' ? code : name));
  })()`;
}

inChromium('over HTTP/2 a stream arrives while it is being made', async () => {
  const { app, page } = await openUploadPage('HTTP/2');
  await page.evaluate(starting(openStream));
  await page.evaluate('more(1000)');
  assert.is(await app.events.next('the first piece'), 'data');
  await page.evaluate('more(2000), end()');
  assert.equal(await page.evaluate('outcome'), zeros(3000, { told: false }));
});

inChromium('over HTTP/1.1, where Chromium sends no streams, a stream fails as on the platform', async () => {
  const { page } = await openUploadPage('HTTP/1.1');
  const faults: (string | undefined)[] = [];
  page.on('requestfailed', (request) => {
    if (request.url().endsWith('/upload')) faults.push(request.failure()?.errorText);
  });
  const failure = (name: string) =>
    page.evaluate(`${name}('/upload', { method: 'POST', duplex: 'half', body: new Blob(['x']).stream() })
      .catch(({ name, message }) => name + ': ' + message)`);
  assert.is(await failure('sealedFetch'), 'TypeError: Failed to fetch');
  assert.is(await failure('fetch'), 'TypeError: Failed to fetch');
  assert.equal(faults, ['net::ERR_ALPN_NEGOTIATION_FAILED', 'net::ERR_ALPN_NEGOTIATION_FAILED']);
});

/** As Firefox does it. */
const streamsBecomeStrings = `
globalThis.Request = class extends Request {
  constructor(input, init) {
    super(input, init?.body instanceof ReadableStream ? { method: 'POST', body: String(init.body) } : init);
  }
};
const platformFetch = globalThis.fetch;
globalThis.fetch = (input, init) =>
  platformFetch(input, init?.body instanceof ReadableStream ? { ...init, body: String(init.body) } : init);`;

/** As Safari does it. */
const streamsAreRefused = `
const platformFetch = globalThis.fetch;
globalThis.Request = class extends Request {
  constructor(input, { duplex, ...init } = {}) {
    if (init.body instanceof ReadableStream) throw new TypeError('ReadableStream uploading is not supported');
    super(input, init);
  }
};
globalThis.fetch = async (input, init) => {
  if (init?.body instanceof ReadableStream) throw new TypeError('ReadableStream uploading is not supported');
  return platformFetch(input, init);
};`;

for (const initScript of [streamsBecomeStrings, streamsAreRefused]) {
  const how = initScript === streamsBecomeStrings ? 'makes strings of streams' : 'refuses streams';
  inChromium(`where the platform ${how}, a stream goes out when it has ended`, async () => {
    const { page } = await openUploadPage('HTTP/1.1', { initScript });
    await page.evaluate(starting(openStream));
    await page.evaluate('more(100_000), more(200_000), end()');
    assert.equal(await page.evaluate('outcome'), zeros(300_000));
  });

  inChromium(`where the platform ${how}, an abort cancels a stream that has not ended`, async () => {
    const { page } = await openUploadPage('HTTP/1.1', { initScript });
    await page.evaluate(starting(openStream));
    await page.evaluate('more(1000)');
    assert.is(await page.evaluate('controller.abort(), outcome'), 'AbortError');
    await page.waitForFunction('globalThis.cancelled');
    assert.is(await page.evaluate('cancelled'), 'AbortError');
  });
}

inChromium('where a Request does not show its body, as in Firefox, it is sent all the same', async () => {
  const initScript = "Object.defineProperty(Request.prototype, 'body', { value: undefined });";
  const { page } = await openUploadPage('HTTP/1.1', { initScript });
  const answer = await page.evaluate(`(async () => {
    const request = new Request('/upload', { method: 'POST', body: new Blob([new Uint8Array(300_000)]) });
    return (await sealedFetch(request)).json();
  })()`);
  assert.equal(answer, zeros(300_000));
});

const size = 8_000_000;
const bodies = {
  'a Blob': `new Blob([new Uint8Array(${size})])`,
  bytes: `new Uint8Array(${size})`,
};

/** In the page: uploads, and says what came of it and which progress was reported. */
const uploading = (body: string) => `(async () => {
  const reports = [];
  const init = { method: 'POST', body: ${body}, onUploadProgress: (report) => reports.push(report) };
  return { answer: await (await sealedFetch('/upload', init)).json(), reports };
})()`;

interface Reported {
  answer: object;
  reports: { loaded: number; total: number }[];
}

/** Rising, of the whole, and with an end. */
function checkReports({ reports }: Reported, total = size): void {
  let last = 0;
  for (const report of reports) {
    assert.is(report.total, total);
    assert.ok(report.loaded > last, `${report.loaded} after ${last}`);
    last = report.loaded;
  }
  assert.is(last, total);
}

for (const [protocol, byXhr] of [
  ['HTTP/2', false],
  ['HTTP/2', true],
  ['HTTP/1.1', true],
] as const satisfies readonly [Protocol, boolean][]) {
  const where = `over ${protocol}${byXhr ? ' with xhrFetch()' : ''}`;
  for (const [name, body] of Object.entries(bodies)) {
    inChromium(`${where} the progress of ${name} is told to its end`, async () => {
      const { page } = await openUploadPage(protocol, { byXhr });
      const outcome = (await page.evaluate(uploading(body))) as Reported;
      assert.equal(outcome.answer, zeros(size));
      checkReports(outcome);
    });
  }

  inChromium(`${where} progress stands still while the server reads nothing, until an abort`, async () => {
    const { app, page } = await openUploadPage(protocol, { byXhr });
    const large = 40_000_000;
    await page.evaluate(`(() => {
      globalThis.controller = new AbortController();
      globalThis.reports = [];
      const onUploadProgress = (report) => reports.push(report);
      const init = { method: 'POST', body: new Blob([new Uint8Array(${large})]), signal: controller.signal };
      globalThis.outcome = sealedFetch('/held', { ...init, onUploadProgress }).catch(({ name }) => name);
    })()`);
    const held = await app.held.next('the first piece', 20_000);
    await page.waitForFunction('reports.length > 0');
    assert.is(await page.evaluate('controller.abort(), outcome'), 'AbortError');
    // Over HTTP/1.1 who reads nothing does not hear of it.
    held.resume();
    assert.is(await app.events.next('the end'), 'aborted');
    const { loaded, total } = (await page.evaluate('reports.at(-1)')) as Reported['reports'][0];
    assert.is(total, large);
    // What buffers on the way take.
    assert.ok(loaded > 0 && loaded < large / 2, `${loaded}`);
  });
}

inChromium('an abort while a long body is sealed ends that, and nothing is sent', async () => {
  // A machine that rests at every record.
  const initScript = `
const { encrypt } = crypto.subtle;
globalThis.records = 0;
crypto.subtle.encrypt = async function (...args) {
  records++;
  await new Promise((resolve) => setTimeout(resolve, 10));
  return encrypt.apply(this, args);
};`;
  const { app, page } = await openUploadPage('HTTP/1.1', { initScript });
  await page.evaluate(starting(`new Blob([new Uint8Array(${size})])`));
  await page.waitForFunction('records > 10');
  assert.is(await page.evaluate('controller.abort(), outcome'), 'AbortError');
  const sealed = Number(await page.evaluate('records'));
  assert.ok(sealed < size / 65_536, `${sealed} records`);
  // A short one, which is the next that arrives.
  await page.evaluate(starting("'a short one'"));
  assert.is(((await page.evaluate('outcome')) as { size: number }).size, 11);
  assert.is(await app.events.next(), 'data');
  await page.waitForTimeout(300);
  // The one that was being sealed at the time of the abort, and those of the short one and its reply.
  assert.ok(Number(await page.evaluate('records')) - sealed < 5);
});

inChromium('over HTTP/1.1 the platform tells no progress: there is one report, of the end', async () => {
  const { page } = await openUploadPage('HTTP/1.1');
  const outcome = (await page.evaluate(uploading(bodies['a Blob']))) as Reported;
  assert.equal(outcome, { answer: zeros(size), reports: [{ loaded: size, total: size }] });
});

test.run();
