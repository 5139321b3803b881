// The app: an ordinary Koa app for notes, with one line of Sealwire in it.
import { bodyParser } from '@koa/bodyparser';
import multer from '@koa/multer';
import Router from '@koa/router';
import { sealwire } from '@sealwire/koa';
import Koa from 'koa';
import { MulterError } from 'multer';
import { feedOf } from '../notes-shared/feed.mjs';
import { limits, Notes, ownerOf } from '../notes-shared/notes.mjs';

/**
 * @param {object} options
 * @param {import('@sealwire/core').ServerKeys} [options.keys] the server's keys
 * @param {string[]} [options.origins] the origins that browsers call
 * @param {Notes} [options.notes] what it shows
 * @param {boolean} [options.sealed] false for a comparison, and for nothing else
 */
export function createNotesApp({ keys, origins, notes = new Notes(), sealed = true }) {
  const sendFeed = feedOf(notes);
  const app = new Koa();

  // The one line. What follows is written as if it were not there.
  if (sealed) app.use(sealwire({ keys, origins }));

  app.use(answerErrors);
  app.use(bodyParser({ jsonLimit: '16kb' }));
  const upload = multer({
    storage: multer.memoryStorage(),
    limits: { files: 1, fileSize: limits.fileBytes },
    // Otherwise multer reads the names of files as Latin-1.
    defParamCharset: 'utf8',
  });
  const router = new Router();

  router.get('/notes', (ctx) => {
    ctx.body = notes.list(ctx.sealed?.client);
  });

  router.post('/notes', (ctx) => {
    const note = notes.create(ctx.request.body?.text, ownerOf(ctx.request.body, ctx.sealed?.client));
    ctx.status = 201;
    ctx.set('Location', `/notes/${note.id}`);
    ctx.body = note;
  });

  router.delete('/notes/:id', (ctx) => {
    notes.remove(ctx.params.id, ctx.sealed?.client);
    ctx.status = 204;
  });

  router.post('/notes/:id/files', upload.single('file'), (ctx) => {
    ctx.status = 201;
    ctx.body = notes.attach(ctx.params.id, ctx.file, ctx.sealed?.client);
  });

  router.get('/notes/:id/files/:file', (ctx) => {
    const { name, type, bytes } = notes.file(ctx.params.id, ctx.params.file, ctx.sealed?.client);
    ctx.attachment(name);
    ctx.set({ 'Content-Type': type, 'X-Content-Type-Options': 'nosniff' });
    ctx.body = bytes;
  });

  router.get('/feed', (ctx) => {
    sendFeed(ctx.res, ctx.sealed?.client);
    ctx.respond = false;
  });

  app.use(router.routes());
  app.use((ctx) => {
    ctx.status = 404;
    ctx.body = { error: 'There is nothing here.' };
  });
  return app;
}

/** What went wrong, as JSON. */
async function answerErrors(ctx, next) {
  try {
    await next();
  } catch (error) {
    if (error.code === 'LIMIT_FILE_SIZE') {
      ctx.status = 413;
      ctx.body = { error: `A file has at most ${limits.fileBytes / 1_000_000} MB.` };
      return;
    }
    const status = error instanceof MulterError ? 400 : error.status;
    if (status === undefined) console.error(error);
    ctx.status = status ?? 500;
    ctx.body = { error: status === undefined ? 'Something went wrong.' : error.message };
  }
}
