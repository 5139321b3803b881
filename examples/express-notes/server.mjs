// Runs the app: node server.mjs [--tls]
import { serveNotes } from '../notes-shared/serve.mjs';
import { createNotesApp } from './app.mjs';

// Express gives requests prototypes of its own, and those are of HTTP/1.1.
await serveNotes(createNotesApp, { http2: false });
