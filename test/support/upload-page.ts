import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { BrowserContext, Page } from 'playwright-core';
import { bundle } from './bundles.ts';
import { Arrivals } from './cases.ts';
import { startBrowser } from './playwright.ts';
import { startSecure } from './secure-server.ts';
import { type Koa, type StackApp, stacks, startStack } from './stacks.ts';

// A page that uploads and downloads, over HTTP/1.1 or over HTTP/2.

const script = await bundle(
  'browser',
  `
import { createSealedFetch } from '@sealwire/client';
import { xhrFetch } from '@sealwire/client/xhr';
globalThis.makeSealedFetch = (identity, byXhr) =>
  createSealedFetch({ origin: location.origin, identity, ...(byXhr && { fetch: xhrFetch() }) });`,
);

const html = `<!doctype html><link rel="icon" href="data:,"><input type="file">
<script type="module" src="/page.js"></script>`;

/** The page's server, and what happens in it. */
class UploadApp implements StackApp {
  /** `data` when an upload begins to arrive, `aborted` when one to `/held` breaks off. */
  readonly events = new Arrivals<string>();
  /** Uploads to `/held`, of which one piece was taken and no more. */
  readonly held = new Arrivals<IncomingMessage>();
  /** Bodies of `/note`. */
  readonly notes = new Arrivals<string>();

  readonly before = {
    koa(app: Koa) {
      app.use((ctx, next) => {
        if (ctx.path === '/page') ctx.body = html;
        else if (ctx.path === '/page.js') Object.assign(ctx, { type: 'js', body: script });
        else if (ctx.path === '/elsewhere') ctx.body = 'another page';
        else return next();
        return undefined;
      });
    },
  };

  readonly koa = (app: Koa) => {
    app.use(async (ctx) => {
      const { req } = ctx;
      const length = req.headers['content-length'];
      switch (ctx.path) {
        case '/upload':
          ctx.body = { ...(await this.#read(req)), ...(length && { length: Number(length) }) };
          break;
        case '/held':
          req.on('error', () => {});
          req.on('aborted', () => this.events.push('aborted'));
          req.once('data', () => this.held.push(req.pause()));
          ctx.respond = false;
          break;
        case '/note':
          this.notes.push(await text(req));
          ctx.body = 'noted';
          break;
        case '/download':
          ctx.body = Readable.from(zeros(Number(ctx.query.size)));
          break;
      }
    });
  };

  async #read(req: Readable): Promise<{ size: number; sha256: string }> {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of req) {
      if (size === 0) this.events.push('data');
      size += chunk.length;
      hash.update(chunk);
    }
    return { size, sha256: hash.digest('hex') };
  }
}

function* zeros(size: number): Generator<Buffer> {
  const piece = Buffer.alloc(65_536);
  for (let left = size; left > 0; left -= piece.length) yield piece.subarray(0, left);
}

export interface UploadPage {
  readonly app: UploadApp;
  readonly page: Page;
  readonly context: BrowserContext;
  readonly origin: string;
}

export type Protocol = 'HTTP/1.1' | 'HTTP/2';

/** Opens the page with a sealed fetch of its own as `sealedFetch`; `byXhr`: over `xhrFetch()`. */
export async function openUploadPage(
  protocol: Protocol,
  { byXhr = false, initScript = '' } = {},
): Promise<UploadPage> {
  const app = new UploadApp();
  const [stack] = stacks.filter(({ name }) => name === 'Koa 3') as [(typeof stacks)[0]];
  const { origin, pin } = await (protocol === 'HTTP/2' ? startSecure : startStack)(stack, app);
  const context = await startBrowser({ ignoreHTTPSErrors: true });
  await context.addInitScript(initScript);
  const page = await context.newPage();
  await page.goto(`${origin}/page`);
  await page.waitForFunction('globalThis.makeSealedFetch');
  await page.evaluate(`globalThis.sealedFetch = makeSealedFetch('${pin}', ${byXhr})`);
  return { app, page, context, origin };
}
