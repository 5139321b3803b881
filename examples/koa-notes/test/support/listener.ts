import type { ListenerOf } from '../../../notes-shared/test/support/notes-server.ts';

// By a name that TypeScript does not follow: the types of @koa/bodyparser change those of every request of Node.
const app = '../../app.mjs';
const { createNotesApp } = await import(app);

export const listenerOf: ListenerOf = (options) => createNotesApp(options).callback();
