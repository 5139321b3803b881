import type { Page } from 'playwright-core';

// https://chromedevtools.github.io/devtools-protocol/tot/Network/

/** What the network panel of a page's DevTools can see, from now on. */
export interface DevtoolsCapture {
  /** Every event as JSON, and the bytes of bodies, both ways; what belongs together is in one piece. */
  recorded(): Promise<Buffer[]>;
}

interface Parameters {
  requestId: string;
  /** Of a piece of a body, in base64. */
  data?: string;
  request?: { hasPostData?: boolean; postDataEntries?: { bytes?: string }[] };
}

/** So that nothing is left out for its size, in bytes. */
const unlimited = 100_000_000;

export async function captureDevtools(page: Page): Promise<DevtoolsCapture> {
  const session = await page.context().newCDPSession(page);
  const events: string[] = [];
  const bodies = new Map<string, Buffer[]>();
  const asking: Promise<void>[] = [];
  const keep = (name: string, bytes: Buffer) => {
    const kept = bodies.get(name);
    if (kept === undefined) bodies.set(name, [bytes]);
    else kept.push(bytes);
  };
  /** Not every request has a body, and a page that was left has none any more. */
  const ask = (answer: Promise<Buffer>, name: string) =>
    asking.push(
      answer.then(
        (bytes) => keep(name, bytes),
        () => {},
      ),
    );

  session.on('event', (event) => {
    const { method } = event;
    if (!method.startsWith('Network.')) return;
    events.push(JSON.stringify(event));
    const { requestId, data, request } = event.params as unknown as Parameters;
    switch (method) {
      case 'Network.requestWillBeSent':
        for (const { bytes = '' } of request?.postDataEntries ?? [])
          keep(`sent ${requestId}`, Buffer.from(bytes, 'base64'));
        if (request?.hasPostData) {
          const posted = session.send('Network.getRequestPostData', { requestId });
          ask(
            posted.then(({ postData }) => Buffer.from(postData)),
            `posted ${requestId}`,
          );
        }
        break;
      case 'Network.responseReceived': {
        const streamed = session.send('Network.streamResourceContent', { requestId });
        ask(
          streamed.then(({ bufferedData }) => Buffer.from(bufferedData, 'base64')),
          `streamed ${requestId}`,
        );
        break;
      }
      case 'Network.dataReceived':
        keep(`streamed ${requestId}`, Buffer.from(data ?? '', 'base64'));
        break;
      case 'Network.loadingFinished': {
        const received = session.send('Network.getResponseBody', { requestId });
        ask(
          received.then(({ body, base64Encoded }) => Buffer.from(body, base64Encoded ? 'base64' : 'utf8')),
          `received ${requestId}`,
        );
      }
    }
  });
  await session.send('Network.enable', {
    maxTotalBufferSize: unlimited,
    maxResourceBufferSize: unlimited,
    maxPostDataSize: unlimited,
  });
  return {
    async recorded() {
      await Promise.all(asking);
      return [Buffer.from(events.join('\n')), ...[...bodies.values()].map((each) => Buffer.concat(each))];
    },
  };
}
