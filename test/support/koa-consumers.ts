import { createRequire } from 'node:module';
import coBody from 'co-body';
import type { Context, Middleware } from 'koa';
import koaBodyparser from 'koa-bodyparser';
import type { KoaConsumer } from './consumer.ts';
import { digestOf } from './digests.ts';
import { formidableDigest, multerDigest, parserLimit, uploadFolder } from './parser-consumers.ts';
import type { BodyKind } from './request-bodies.ts';

const require = createRequire(import.meta.url);
// The types of the first two would change those of Express's request everywhere; those of @koa/multer are not there.
const { bodyParser: koaBodyparser3 } = require('@koa/bodyparser') as { bodyParser: typeof koaBodyparser };
const { koaBody } = require('koa-body') as { koaBody(options: object): Middleware };
const koaMulter = require('@koa/multer') as () => { any(): Middleware };

/** A parser that leaves what it read at `ctx.request.body`. */
function bodyParser(
  name: string,
  body: BodyKind,
  middleware: Middleware,
  more: Pick<KoaConsumer, 'leaves'> = {},
): KoaConsumer {
  return {
    kind: 'koa',
    name: `${name} (${body})`,
    body,
    ...more,
    async read(ctx) {
      await middleware(ctx, async () => {});
      return digestOf((ctx.request as unknown as { body: unknown }).body);
    },
  };
}

const limits = { jsonLimit: parserLimit, formLimit: parserLimit, textLimit: parserLimit };
const old = koaBodyparser({ ...limits, enableTypes: ['json', 'form', 'text'] }) as Middleware;
const current = koaBodyparser3({ ...limits, enableTypes: ['json', 'form', 'text'] }) as Middleware;
const whole = koaBody({
  ...limits,
  multipart: true,
  formidable: { uploadDir: uploadFolder },
});

/** Libraries that take Koa's context. */
export const koaConsumers: readonly KoaConsumer[] = [
  bodyParser('koa-bodyparser', 'json', old),
  bodyParser('koa-bodyparser', 'form', old, { leaves: 'bodies without a length over http2' }),
  bodyParser('koa-bodyparser', 'text', old, { leaves: 'bodies without a length over http2' }),
  bodyParser('@koa/bodyparser', 'json', current),
  bodyParser('@koa/bodyparser', 'form', current),
  bodyParser('@koa/bodyparser', 'text', current),
  bodyParser('koa-body', 'json', whole, { leaves: 'bodies without a length over http2' }),
  bodyParser('koa-body', 'form', whole, { leaves: 'bodies without a length over http2' }),
  bodyParser('koa-body', 'text', whole, { leaves: 'bodies without a length over http2' }),
  {
    kind: 'koa',
    name: 'koa-body (multipart)',
    body: 'multipart',
    leaves: 'bodies without a length over http2',
    async read(ctx) {
      await whole(ctx, async () => {});
      const { body, files } = ctx.request as unknown as { body: unknown; files: never };
      return formidableDigest(body, files);
    },
  },
  {
    kind: 'koa',
    name: '@koa/multer',
    body: 'multipart',
    leaves: 'bodies without a length over http2',
    async read(ctx) {
      await koaMulter().any()(ctx, async () => {});
      const { body } = ctx.request as unknown as { body: unknown };
      return multerDigest(body, (ctx as unknown as { files: Express.Multer.File[] }).files);
    },
  },
  ...(['json', 'form', 'text'] as const).map(
    (body): KoaConsumer => ({
      kind: 'koa',
      name: `co-body (${body})`,
      body,
      read: async (ctx) => digestOf(await coBody[body](ctx, { limit: parserLimit })),
    }),
  ),
  {
    kind: 'koa',
    name: 'ctx.body = ctx.req',
    body: 'bytes',
    echoes: true,
    async read(ctx: Context) {
      ctx.type = 'application/octet-stream';
      ctx.body = ctx.req;
    },
  },
];
