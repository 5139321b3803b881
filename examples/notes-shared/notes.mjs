// The notes, in memory: they last until the process ends.
import { EventEmitter } from 'node:events';

/** So that nobody fills the memory of a demonstration. */
export const limits = {
  notes: 100,
  textLength: 2000,
  filesPerNote: 4,
  fileBytes: 32_000_000,
  allFileBytes: 128_000_000,
};

/** An error with the status that the app answers it with. */
export function refuse(status, message) {
  return Object.assign(new Error(message), { status });
}

/**
 * Emits `change` with the kind of change and the note that it happened to. A note may belong to the client whose key its
 * author has: for all others there is none.
 */
export class Notes extends EventEmitter {
  #notes = new Map();
  #files = new Map();
  #fileBytes = 0;
  #lastId = 0;

  constructor() {
    super();
    // A listener for each open feed.
    this.setMaxListeners(0);
    this.create('Everything you add here is sealed in the browser and opened in the server. Watch the wire.');
  }

  /** @param {string} [client] thumbprint of who asks. The newest first */
  list(client) {
    const theirs = [...this.#notes.values()].filter((note) => isFor(note, client));
    return theirs.reverse().map(shown);
  }

  /** @param {string} [owner] thumbprint of the only client that gets it */
  create(text, owner) {
    if (typeof text !== 'string' || text.trim() === '') throw refuse(400, 'A note needs a text.');
    if (text.length > limits.textLength)
      throw refuse(400, `A note has at most ${limits.textLength} characters.`);
    if (this.#notes.size >= limits.notes)
      throw refuse(409, `There are ${limits.notes} notes: delete one first.`);
    const note = {
      id: this.#nextId(),
      text: text.trim(),
      created: new Date().toISOString(),
      files: [],
      owner,
    };
    this.#notes.set(note.id, note);
    this.emit('change', 'created', note);
    return shown(note);
  }

  remove(id, client) {
    const note = this.#note(id, client);
    for (const file of note.files) {
      this.#files.delete(file.id);
      this.#fileBytes -= file.size;
    }
    this.#notes.delete(id);
    this.emit('change', 'deleted', note);
  }

  /** @param upload what multer makes of the file */
  attach(id, upload, client) {
    const note = this.#note(id, client);
    if (upload === undefined) throw refuse(400, 'Send the file as the field `file` of a form.');
    if (note.files.length >= limits.filesPerNote)
      throw refuse(409, `A note has at most ${limits.filesPerNote} files.`);
    if (this.#fileBytes + upload.size > limits.allFileBytes) {
      throw refuse(413, 'There is no room for more files: delete a note with files first.');
    }
    const file = { id: this.#nextId(), name: upload.originalname, type: upload.mimetype, size: upload.size };
    this.#files.set(file.id, upload.buffer);
    this.#fileBytes += file.size;
    note.files.push(file);
    this.emit('change', 'changed', note);
    return file;
  }

  file(id, fileId, client) {
    const file = this.#note(id, client).files.find((each) => each.id === fileId);
    if (file === undefined) throw refuse(404, 'There is no such file.');
    return { ...file, bytes: this.#files.get(fileId) };
  }

  #note(id, client) {
    const note = this.#notes.get(id);
    if (note === undefined || !isFor(note, client)) throw refuse(404, 'There is no such note.');
    return note;
  }

  #nextId() {
    this.#lastId++;
    return String(this.#lastId);
  }
}

/** True if a client gets a note at all. */
export function isFor({ owner }, client) {
  return owner === undefined || owner === client;
}

/** What a client gets of a note. */
export function shown({ id, text, created, files, owner }) {
  return { id, text, created, files, bound: owner !== undefined };
}

/** The owner of a new note: who asks, if the note is to be theirs alone. */
export function ownerOf({ bound } = {}, client) {
  if (bound !== true) return undefined;
  if (client === undefined)
    throw refuse(400, 'Only a client with a key of its own can have a note to itself.');
  return client;
}
