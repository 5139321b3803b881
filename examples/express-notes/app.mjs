// The app: an ordinary Express app for notes, with one line of Sealwire in it.
import { sealwire } from '@sealwire/express';
import express from 'express';
import multer from 'multer';
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
  const app = express();
  app.disable('x-powered-by');

  // The one line. What follows is written as if it were not there.
  if (sealed) app.use(sealwire({ keys, origins }));

  app.use(express.json({ limit: '16kb' }));
  const upload = multer({
    storage: multer.memoryStorage(),
    limits: { files: 1, fileSize: limits.fileBytes },
    // Otherwise multer reads the names of files as Latin-1.
    defParamCharset: 'utf8',
  });

  app.get('/notes', (req, res) => {
    res.json(notes.list(req.sealed?.client));
  });

  app.post('/notes', (req, res) => {
    const note = notes.create(req.body?.text, ownerOf(req.body, req.sealed?.client));
    res.status(201).location(`/notes/${note.id}`).json(note);
  });

  app.delete('/notes/:id', (req, res) => {
    notes.remove(req.params.id, req.sealed?.client);
    res.status(204).end();
  });

  app.post('/notes/:id/files', upload.single('file'), (req, res) => {
    res.status(201).json(notes.attach(req.params.id, req.file, req.sealed?.client));
  });

  app.get('/notes/:id/files/:file', (req, res) => {
    const { name, type, bytes } = notes.file(req.params.id, req.params.file, req.sealed?.client);
    res.attachment(name).set({ 'Content-Type': type, 'X-Content-Type-Options': 'nosniff' }).send(bytes);
  });

  app.get('/feed', (req, res) => {
    sendFeed(res, req.sealed?.client);
  });

  app.use((_req, res) => {
    res.status(404).json({ error: 'There is nothing here.' });
  });
  app.use(answerError);
  return app;
}

/** What went wrong, as JSON. Express knows an error handler by its four parameters. */
function answerError(error, _req, res, next) {
  if (res.headersSent) return next(error);
  if (error.code === 'LIMIT_FILE_SIZE') {
    res.status(413).json({ error: `A file has at most ${limits.fileBytes / 1_000_000} MB.` });
    return;
  }
  const status = error instanceof multer.MulterError ? 400 : error.status;
  if (status === undefined) console.error(error);
  res.status(status ?? 500).json({ error: status === undefined ? 'Something went wrong.' : error.message });
}
