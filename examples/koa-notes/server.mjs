// Runs the app: node server.mjs [--tls]
import { serveNotes } from '../notes-shared/serve.mjs';
import { createNotesApp } from './app.mjs';

await serveNotes((options) => createNotesApp(options).callback(), { http2: true });
